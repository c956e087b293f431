package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync/atomic"
)

// probedConn has every optional interface of a driver.Conn and behaves, where
// the inner connection lacks one, as package sql does without it. What else the
// inner connection can tell is found through Raw.
type probedConn struct {
	probe  *Probe
	id     int
	inner  driver.Conn
	closed atomic.Bool
}

var (
	_ driver.ConnBeginTx        = (*probedConn)(nil)
	_ driver.ConnPrepareContext = (*probedConn)(nil)
	_ driver.ExecerContext      = (*probedConn)(nil)
	_ driver.QueryerContext     = (*probedConn)(nil)
	_ driver.NamedValueChecker  = (*probedConn)(nil)
	_ driver.Pinger             = (*probedConn)(nil)
	_ driver.SessionResetter    = (*probedConn)(nil)
	_ driver.Validator          = (*probedConn)(nil)
)

func (c *probedConn) call(ctx context.Context, op, text string, f func() error) error {
	return c.probe.do(ctx, Call{c.id, op, text}, f)
}

// Raw leads to the driver's own connection.
func (c *probedConn) Raw() driver.Conn { return c.inner }

// Ping implements driver.Pinger.
func (c *probedConn) Ping(ctx context.Context) error {
	return c.call(ctx, OpPing, "", func() error {
		if p, ok := c.inner.(driver.Pinger); ok {
			return p.Ping(ctx)
		}
		return nil
	})
}

// ExecContext implements driver.ExecerContext.
func (c *probedConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (res driver.Result, err error) {
	e, ok := c.inner.(driver.ExecerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	err = c.call(ctx, OpExec, text, func() (err error) {
		res, err = e.ExecContext(ctx, text, args)
		return err
	})
	return res, err
}

// QueryContext implements driver.QueryerContext.
func (c *probedConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (rows driver.Rows, err error) {
	q, ok := c.inner.(driver.QueryerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	err = c.call(ctx, OpQuery, text, func() (err error) {
		rows, err = q.QueryContext(ctx, text, args)
		return err
	})
	return c.rows(ctx, text, rows, err)
}

// rows watches an answer, or drops it when the rule wants the call to look failed.
func (c *probedConn) rows(ctx context.Context, text string, rows driver.Rows, err error) (driver.Rows, error) {
	switch {
	case err == nil:
		return &probedRows{c, ctx, text, rows}, nil
	case rows != nil:
		_ = rows.Close()
	}
	return nil, err
}

// Prepare implements driver.Conn.
func (c *probedConn) Prepare(text string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), text)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *probedConn) PrepareContext(ctx context.Context, text string) (stmt driver.Stmt, err error) {
	err = c.call(ctx, OpPrepare, text, func() (err error) {
		if p, ok := c.inner.(driver.ConnPrepareContext); ok {
			stmt, err = p.PrepareContext(ctx, text)
		} else {
			stmt, err = c.inner.Prepare(text)
		}
		if err == nil {
			c.probe.Prepared(c.id, text)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	probed := probedStmt{c, text, stmt}
	//lint:ignore SA1019 a driver may still have only this
	if columns, ok := stmt.(driver.ColumnConverter); ok {
		return struct {
			probedStmt
			driver.ColumnConverter
		}{probed, columns}, nil
	}
	return probed, nil
}

// Begin implements driver.Conn.
func (c *probedConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx implements driver.ConnBeginTx. Its errors without one are those of package
// sql.
func (c *probedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (tx driver.Tx, err error) {
	err = c.call(ctx, OpBegin, "", func() (err error) {
		if b, ok := c.inner.(driver.ConnBeginTx); ok {
			tx, err = b.BeginTx(ctx, opts)
			return err
		}
		switch {
		case opts.Isolation != driver.IsolationLevel(sql.LevelDefault):
			return errors.New("sql: driver does not support non-default isolation level")
		case opts.ReadOnly:
			return errors.New("sql: driver does not support read-only transactions")
		}
		//lint:ignore SA1019 a driver may still have only this
		tx, err = c.inner.Begin()
		return err
	})
	if err != nil {
		return nil, err
	}
	return probedTx{c, tx}, nil
}

// CheckNamedValue implements driver.NamedValueChecker.
func (c *probedConn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.inner.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// ResetSession implements driver.SessionResetter.
func (c *probedConn) ResetSession(ctx context.Context) error {
	return c.call(ctx, OpReset, "", func() error {
		if r, ok := c.inner.(driver.SessionResetter); ok {
			return r.ResetSession(ctx)
		}
		return nil
	})
}

// IsValid implements driver.Validator.
func (c *probedConn) IsValid() bool {
	valid := true
	err := c.call(context.Background(), OpValid, "", func() error {
		if v, ok := c.inner.(driver.Validator); ok {
			valid = v.IsValid()
		}
		return nil
	})
	return valid && err == nil
}

// Close implements driver.Conn. Closed twice, it is still one connection less.
func (c *probedConn) Close() error {
	return c.call(context.Background(), OpClose, "", func() error {
		err := c.inner.Close()
		if !c.closed.Swap(true) {
			c.probe.Closed(c.id)
		}
		return err
	})
}
