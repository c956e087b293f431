package sqlpool

import (
	"context"
	"database/sql/driver"

	"github.com/sqlpool/go/sqlpool/internal/sqlrows"
)

// ExecContext implements driver.ExecerContext.
func (s *session) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return s.execFor(ctx, nil, query, args)
}

// execFor executes for whatever has the session: a transaction, a *sql.DB or a
// *sql.Conn.
func (s *session) execFor(ctx context.Context, st *stmt, text string, args []driver.NamedValue) (driver.Result, error) {
	defer s.remember(ctx)
	switch {
	case s.tx != nil:
		return s.execInTx(ctx, st, text, args)
	case s.endsUnseen():
		return s.execAlone(ctx, st, text, args)
	}
	return s.exec(ctx, st, text, args)
}

// QueryContext implements driver.QueryerContext. The rows are the driver's own,
// but where their closing ends something.
func (s *session) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return s.queryFor(ctx, nil, query, args)
}

// queryFor is execFor for rows.
func (s *session) queryFor(ctx context.Context, st *stmt, text string, args []driver.NamedValue) (driver.Rows, error) {
	defer s.remember(ctx)
	switch {
	case s.tx != nil:
		return s.queryInTx(ctx, st, text, args)
	case s.endsUnseen():
		return s.queryAlone(ctx, st, text, args)
	}
	return s.query(ctx, st, text, args)
}

// exec executes a statement, or a text when st is nil.
func (s *session) exec(ctx context.Context, st *stmt, text string, args []driver.NamedValue) (res driver.Result, err error) {
	if !s.tells() {
		return s.tryExec(ctx, st, text, args)
	}
	e := Executing{Op: OpExec, Text: text, Args: len(args), Prepared: st != nil}
	err = s.told(ctx, &e, func() (err error) {
		res, err = s.tryExec(ctx, st, e.textFor(st), args)
		return err
	})
	return res, err
}

func (s *session) tryExec(ctx context.Context, st *stmt, text string, args []driver.NamedValue) (driver.Result, error) {
	var a attempt
	for {
		c, err := s.enterText(ctx, &a, st, text)
		if err != nil {
			return nil, err
		}
		call, end := c.limited(ctx)
		var res driver.Result // a text alone is the shortest way
		if st == nil && len(args) == 0 && c.can.exec != nil {
			res, err = c.can.exec.ExecContext(call, text, nil)
		} else {
			res, err = c.exec(call, &a, st, text, args)
		}
		if err == nil {
			s.succeeded(c)
			endLimit(end)
			return res, nil
		}
		err = c.nameLimit(ctx, call, s.leave(call, c, &a, "exec", err))
		if endLimit(end); err != nil {
			return nil, err
		}
	}
}

// execInTx is exec in a transaction.
func (s *session) execInTx(ctx context.Context, st *stmt, text string, args []driver.NamedValue) (driver.Result, error) {
	ctx, unbind := s.tx.bind(ctx)
	if unbind != nil {
		defer unbind()
	}
	return s.exec(ctx, st, text, args)
}

// queryInTx is query in a transaction.
func (s *session) queryInTx(ctx context.Context, st *stmt, text string, args []driver.NamedValue) (driver.Rows, error) {
	ctx, unbind := s.tx.bind(ctx)
	rows, err := s.query(ctx, st, text, args)
	switch {
	case unbind == nil:
		return rows, err
	case err != nil:
		unbind()
		return nil, err
	}
	return sqlrows.OnClose(rows, func(error) { unbind() }), nil // until they are closed, so that a long transaction keeps nothing
}

// query is exec for rows.
func (s *session) query(ctx context.Context, st *stmt, text string, args []driver.NamedValue) (driver.Rows, error) {
	if !s.tells() {
		return s.tryQuery(ctx, st, text, args)
	}
	e := Executing{Op: OpQuery, Text: text, Args: len(args), Prepared: st != nil}
	return s.toldQuery(ctx, &e, func() (driver.Rows, error) { return s.tryQuery(ctx, st, e.textFor(st), args) })
}

func (s *session) tryQuery(ctx context.Context, st *stmt, text string, args []driver.NamedValue) (driver.Rows, error) {
	var a attempt
	for {
		c, err := s.enterText(ctx, &a, st, text)
		if err != nil {
			return nil, err
		}
		call, end := c.limited(ctx)
		var rows driver.Rows
		if st == nil && len(args) == 0 && c.can.query != nil {
			rows, err = c.can.query.QueryContext(call, text, nil)
		} else {
			rows, err = c.query(call, &a, st, text, args)
		}
		if err == nil {
			s.succeeded(c)
			if end != nil {
				rows = s.limitedRows(rows, call, end)
			}
			return rows, nil
		}
		err = c.nameLimit(ctx, call, s.leave(call, c, &a, "query", err))
		if endLimit(end); err != nil {
			return nil, err
		}
	}
}
