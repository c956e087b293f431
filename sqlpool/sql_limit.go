package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/sqlpool/go/sqlpool/internal/sqlrows"
)

// ErrStatementTimeout: a call without a deadline of its own took longer than
// Config.StatementTimeout. The error unwraps to it and to what the driver says of
// a deadline, context.DeadlineExceeded as a rule.
var ErrStatementTimeout = errors.New("sqlpool: the statement took longer than StatementTimeout (pool_statement_timeout)")

// limited returns ctx with Config.StatementTimeout, where that is set and ctx has
// no deadline, and what ends the limit; that is nil where there is none. It must be
// called when the statement is over and its rows are closed.
func (c *Conn) limited(ctx context.Context) (call context.Context, end context.CancelFunc) {
	if c.pool.cfg.StatementTimeout == 0 {
		return ctx, nil
	}
	if _, ok := ctx.Deadline(); ok {
		return ctx, nil
	}
	return context.WithTimeout(ctx, c.pool.cfg.StatementTimeout)
}

// limitedRows are rows whose closing ends the limit of their query.
func (s *session) limitedRows(rows driver.Rows, call context.Context, end context.CancelFunc) driver.Rows {
	return sqlrows.OnClose(rows, func(error) {
		if call.Err() != nil {
			s.remember(call)
		}
		end()
	})
}

// endLimit ends a limit, if there is one.
func endLimit(end context.CancelFunc) {
	if end != nil {
		end()
	}
}

// nameLimit says of an error that it was StatementTimeout which ended the call, if
// it was, and not its caller.
func (c *Conn) nameLimit(caller, call context.Context, err error) error {
	// By Done, because a context's type need not be comparable.
	if err == nil || caller.Done() == call.Done() || caller.Err() != nil || call.Err() == nil {
		return err
	}
	return fmt.Errorf("%w of %v: %w", ErrStatementTimeout, c.pool.cfg.StatementTimeout, err)
}
