package recycle

import "github.com/sqlpool/go/sqlpool"

// When retires a connection at the end of a loan in which a statement failed with an
// error for which broken returns true. It is for errors that leave a session in an
// unusual state, such as a failed SET, or that mean that the program should leave this
// server. broken gets the last such error of the loan (see sqlpool.ConnRef.Err), never
// nil, in the goroutine that gives the connection back, and must not block.
//
// Errors that end the connection retire it without this hook.
func When(broken func(error) bool) sqlpool.Hooks {
	if broken == nil {
		panic("recycle: When needs a function")
	}
	return sqlpool.Hooks{AfterRelease: func(r sqlpool.Releasing) error {
		if err := r.Conn.Err(); err != nil && broken(err) {
			return &sqlpool.Reason{Code: CodeError, Err: err, Sound: true}
		}
		return nil
	}}
}
