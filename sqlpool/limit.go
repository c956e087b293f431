package sqlpool

import (
	"context"
	"errors"
	"fmt"
)

// ErrStatementTimeout: a call without a deadline of its own took longer than
// Config.StatementTimeout. The error unwraps to it and to what the driver says of
// a deadline, context.DeadlineExceeded as a rule.
var ErrStatementTimeout = errors.New("sqlpool: the statement took longer than StatementTimeout (pool_statement_timeout)")

// limited returns ctx with Config.StatementTimeout, where that is set and ctx has
// no deadline. It ends with unlimit, or with the next one: rows may be read after
// the call, but a connection has one statement at a time.
func (c *Conn) limited(ctx context.Context) context.Context {
	if c.pool.cfg.StatementTimeout == 0 {
		return ctx
	}
	c.unlimit()
	if _, ok := ctx.Deadline(); ok {
		return ctx
	}
	ctx, c.endLimit = context.WithTimeout(ctx, c.pool.cfg.StatementTimeout)
	return ctx
}

// unlimit ends the limit of the statement before.
func (c *Conn) unlimit() {
	if c.endLimit != nil {
		c.endLimit()
		c.endLimit = nil
	}
}

// nameLimit says of an error that it was StatementTimeout which ended the call, if
// it was, and not its caller.
func (c *Conn) nameLimit(caller, call context.Context, err error) error {
	// By Done, because a context's type need not be comparable.
	if caller.Done() == call.Done() || caller.Err() != nil || call.Err() == nil {
		return err
	}
	return fmt.Errorf("%w of %v: %w", ErrStatementTimeout, c.pool.cfg.StatementTimeout, err)
}
