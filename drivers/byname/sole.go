package byname

import (
	"database/sql/driver"
	"errors"

	"github.com/sqlpool/go/sqlpool"
)

// session is what the pool's connector returns: every optional interface of a
// driver.Conn. Embedding less would hide abilities from database/sql.
type session interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.NamedValueChecker
	driver.SessionResetter
	driver.Validator
	Raw() driver.Conn
	Unwrap() driver.Conn
}

// sole is a connection that has a pool to itself.
type sole struct {
	session
	pool *sqlpool.Pool
}

// Close closes the connection, then the pool, whose last connection it was.
func (s *sole) Close() error {
	return errors.Join(s.session.Close(), s.pool.Close())
}
