package mockpool

import (
	"context"
	"errors"

	"github.com/DATA-DOG/go-sqlmock"
)

// call is one call of database/sql on its way through the pool. The pool may
// try it more than once: a BEGIN that met a dead connection is repeated on
// another. To the mock it is one call, so the second try gets the first one's
// answer, and what the pool says to that reaches the code under test.
type call struct {
	stmt *stmt  // whose it is, or nil
	tied *watch // whose test has its context, which ends with that test, or nil
	err  error  // the mock's answer to the first try
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// callOf returns the call that ctx belongs to, or a new one for a connection
// that is used without database/sql (sqlpool.Loan, sql.Conn.Raw).
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// outcome is what database/sql is told. Go-sqlmock has an error of its own for a
// context that ends during WillDelayFor, and tests compare with it; the pool
// would say context.Canceled.
func (c *call) outcome(err error) error {
	if err != nil && errors.Is(c.err, sqlmock.ErrCancelled) {
		return c.err
	}
	return err
}
