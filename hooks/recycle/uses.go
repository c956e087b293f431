package recycle

import "github.com/sqlpool/go/sqlpool"

// MaxUses retires a connection at the end of the loan in which it has executed
// its n-th statement. It counts statements and not loans (sqlpool.ConnRef.Uses),
// because it is statements that make a server process grow. The Hooks may serve
// several pools.
func MaxUses(n uint64) sqlpool.Hooks {
	if n == 0 {
		panic("recycle: MaxUses of 0: it must be at least 1")
	}
	return sqlpool.Hooks{
		AfterRelease: func(r sqlpool.Releasing) error {
			if r.Conn.Uses() >= n {
				return usedUp
			}
			return nil
		},
	}
}

var usedUp = &sqlpool.Reason{Code: CodeMaxUses, Sound: true}
