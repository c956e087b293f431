package sqlpool

import (
	"context"
	"database/sql/driver"
	"slices"

	"github.com/sqlpool/go/sqlpool/internal/driverx"
	"github.com/sqlpool/go/sqlpool/internal/pgerror"
	"github.com/sqlpool/go/sqlpool/internal/stmts"
)

// exec executes a statement on the driver's connection, or a text when st is nil.
func (c *Conn) exec(ctx context.Context, a *attempt, st *stmt, text string, args []driver.NamedValue) (driver.Result, error) {
	if st == nil && len(args) == 0 {
		return driverx.Exec(ctx, c.inner, text, nil)
	}
	if st == nil && !driverx.TakesExec(c.inner) {
		return nil, driver.ErrSkip // before the arguments meet rules that are not the statement's
	}
	given := args
	inner, args, err := c.resolve(ctx, a, st, text, args)
	if err != nil {
		return nil, err
	}
	a.prepared = inner != nil
	if inner == nil {
		res, err := driverx.Exec(ctx, c.inner, text, args)
		if err == driver.ErrSkip && st != nil {
			st.notAsText, a.converted = true, false
			return c.exec(ctx, a, st, text, given)
		}
		return res, err
	}
	res, err := driverx.StmtExec(ctx, inner, args)
	c.heal(st, text, err)
	return res, err
}

// query is exec for rows.
func (c *Conn) query(ctx context.Context, a *attempt, st *stmt, text string, args []driver.NamedValue) (driver.Rows, error) {
	if st == nil && len(args) == 0 {
		return driverx.Query(ctx, c.inner, text, nil)
	}
	if st == nil && !driverx.TakesQuery(c.inner) {
		return nil, driver.ErrSkip
	}
	given := args
	inner, args, err := c.resolve(ctx, a, st, text, args)
	if err != nil {
		return nil, err
	}
	a.prepared = inner != nil
	if inner == nil {
		rows, err := driverx.Query(ctx, c.inner, text, args)
		if err == driver.ErrSkip && st != nil {
			st.notAsText, a.converted = true, false
			return c.query(ctx, a, st, text, given)
		}
		return rows, err
	}
	rows, err := driverx.StmtQuery(ctx, inner, args)
	c.heal(st, text, err)
	return rows, err
}

// resolve finds what c executes for a statement, or for a text when st is nil:
// a prepared statement, or nil for the text as it is. It converts the
// arguments by the rules of either.
func (c *Conn) resolve(ctx context.Context, a *attempt, st *stmt, text string, args []driver.NamedValue) (driver.Stmt, []driver.NamedValue, error) {
	if st != nil && !st.asText(c) {
		inner, err := st.on(ctx, c)
		if err != nil {
			return nil, nil, err
		}
		args, err = a.convert(c.inner, inner, args, inner.NumInput())
		return inner, args, err
	}
	if st != nil && !a.converted {
		args = slices.Clone(args) // the driver may refuse the text, and a statement has other rules
	}
	args, err := a.convert(c.inner, nil, args, -1)
	if err != nil || st != nil || !c.cachesText(text, args) {
		return nil, args, err
	}
	inner, err := c.cached(ctx, text)
	return inner, args, err
}

// cachesText reports whether a query with arguments is kept prepared: the user wants
// it, and the driver gains from it.
func (c *Conn) cachesText(text string, args []driver.NamedValue) bool {
	return c.pool.cfg.CacheQueries && len(args) > 0 && len(text) <= stmts.LongestCached &&
		c.can.cacheQueries != nil && c.can.cacheQueries() &&
		c.pool.cfg.Statements == StatementsPrepared && !stmts.IsCopy(text)
}

// convert converts the arguments once per operation: the rules do not change
// from one connection of a connector to the next, and a rule need not accept
// its own result.
func (a *attempt) convert(conn driver.Conn, stmt driver.Stmt, args []driver.NamedValue, want int) ([]driver.NamedValue, error) {
	if len(args) == 0 && want <= 0 {
		return args, nil
	}
	if a.converted {
		return a.args, nil
	}
	args, err := driverx.Convert(conn, stmt, args, want)
	a.converted, a.args, a.refused = true, args, err != nil
	return args, err
}

// heal forgets what was prepared on c for a statement, or for a text when st is
// nil, after an error that may come from its age: the next execution prepares it
// anew. An int column that has become a bigint says 22003, an enum that was
// replaced XX000, a column of another type 42883; the drivers keep such a
// statement, and it would fail for ever.
func (c *Conn) heal(st *stmt, text string, err error) {
	if err == nil {
		return
	}
	switch state := pgerror.State(err); {
	case state == "":
	case st == nil:
		c.stmts.Forget(nil, text) // the program has not asked for its age
	case pgerror.MayBeAge(state):
		c.stmts.Suspect(st.source)
		c.letOldGo()
	}
}

// letOldGo gives up what may be old. In a transaction that has failed nothing can be
// prepared anew: there the statement stays, and what the server says of its execution
// is the answer.
func (c *Conn) letOldGo() {
	if c.stmts.HasOld() && (c.can.txStatus == nil || c.can.txStatus() != 'E') {
		c.stmts.ForgetOld()
	}
}
