package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	sqlroute "github.com/sqlpool/go/sqlpool/route"
)

var replicaMutants = []mutant{
	{"REP-01", "what begins with SELECT is a read", splitting(func(c *conn) driver.Conn { return guessingConn{c} })},
	{"REP-01", "what is prepared is a read", splitting(func(c *conn) driver.Conn { return readyConn{c} })},
	{"REP-01", "what writes is a read", splitting(func(c *conn) driver.Conn { return writingConn{c} })},
	{"REP-02", "the options of a transaction are dropped", splitting(func(c *conn) driver.Conn { return writableConn{c} })},
	{"REP-02", "a transaction is on the replica, and its statements are not", twofold(func(c *twofoldConn) { c.strays = true })},
	{"REP-03", "what is prepared is not a read", splitting(func(c *conn) driver.Conn { return unpreparedConn{c} })},
	{"REP-04", "each statement goes where its own context says", twofold(func(c *twofoldConn) { c.follows = true })},
	{"REP-05", "there is one replica", opening(func(s SplitSettings) (*Split, error) {
		s.Replicas = s.Replicas[:1]
		return OpenRouter(s)
	})},
	{"REP-06", "a session is a context as any other", opening(func(s SplitSettings) (*Split, error) {
		split, err := OpenRouter(s)
		if err == nil {
			split.Session = func(ctx context.Context) context.Context { return ctx }
		}
		return split, err
	})},
	{"REP-06", "what Exec writes belongs to no session", splitting(func(c *conn) driver.Conn { return namelessConn{c} })},
	{"REP-06", "a session that has written is on the primary for ever", opening(func(s SplitSettings) (*Split, error) {
		split, err := OpenRouter(s)
		if err == nil {
			split.Session = func(ctx context.Context) context.Context { return context.WithValue(ctx, stuck{}, true) }
			split.Read = func(ctx context.Context) context.Context {
				if ctx.Value(stuck{}) != nil {
					return sqlroute.Primary(ctx)
				}
				return sqlroute.Replica(ctx)
			}
		}
		return split, err
	})},
	{"REP-07", "the limit of the lag is not heard", opening(func(s SplitSettings) (*Split, error) {
		s.MaxLag = time.Hour
		return OpenRouter(s)
	})},
	{"REP-08", "without a replica there is no read", opening(func(s SplitSettings) (*Split, error) {
		r, err := router(s, sqlroute.Fail)
		if err != nil {
			return nil, err
		}
		db := sqlroute.OpenDB(r)
		return &Split{DB: db, Read: sqlroute.Replica, Session: sqlroute.Session, Close: db.Close}, nil
	})},
	{"REP-09", "what the primary cannot do a replica does", twofold(func(c *twofoldConn) { c.fallsBack = true })},
	{"REP-10", "errors are wrapped without Unwrap", splitting(func(c *conn) driver.Conn { return sayingConn{c} })},
	{"REP-11", "a connection of its own to each replica stays open", opening(func(s SplitSettings) (*Split, error) {
		for _, r := range s.Replicas {
			if _, err := r.Connect(context.Background()); err != nil {
				return nil, err
			}
		}
		return OpenRouter(s)
	})},
}

type stuck struct{}

// opening is another way to open a *sql.DB with replicas.
func opening(open func(SplitSettings) (*Split, error)) breaking {
	return func(_ *fakedb.DB, t *Target) { t.OpenSplit = open }
}

// splitting breaks the router's connections, which package sql gets.
func splitting(wrap func(*conn) driver.Conn) breaking {
	return opening(func(s SplitSettings) (*Split, error) {
		r, err := router(s, sqlroute.UsePrimary)
		if err != nil {
			return nil, err
		}
		return splitOf(r, wrapped{r.Connector(), func(c driver.Conn) driver.Conn { return wrap(&conn{session: c.(session)}) }}), nil
	})
}

func splitOf(r *sqlroute.Router, c driver.Connector) *Split {
	db := sql.OpenDB(c)
	db.SetMaxIdleConns(128)
	return &Split{DB: db, Read: sqlroute.Replica, Session: sqlroute.Session, Close: func() error { return errors.Join(db.Close(), r.Close()) }}
}

// guessingConn guesses from the text.
type guessingConn struct{ *conn }

func (c guessingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if strings.HasPrefix(text, "SELECT") {
		ctx = sqlroute.Replica(ctx)
	}
	return c.conn.QueryContext(ctx, text, args)
}

type readyConn struct{ *conn }

func (c readyConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return markedStmt{s.(stmt), sqlroute.Replica}, nil
}

// unpreparedConn does what is prepared on the primary.
type unpreparedConn struct{ *conn }

func (c unpreparedConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.conn.PrepareContext(sqlroute.Primary(ctx), text)
	if err != nil {
		return nil, err
	}
	return markedStmt{s.(stmt), sqlroute.Primary}, nil
}

type markedStmt struct {
	stmt
	mark func(context.Context) context.Context
}

func (s markedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.stmt.QueryContext(s.mark(ctx), args)
}

func (s markedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.stmt.ExecContext(s.mark(ctx), args)
}

type writingConn struct{ *conn }

func (c writingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if text == fakeDialect.One {
		ctx = sqlroute.Replica(ctx)
	}
	return c.conn.ExecContext(ctx, text, args)
}

type writableConn struct{ *conn }

func (c writableConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	opts.ReadOnly = false
	return c.conn.BeginTx(ctx, opts)
}

// namelessConn hides from the router which session writes.
type namelessConn struct{ *conn }

func (c namelessConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return c.conn.BeginTx(hidden{ctx}, opts)
}

func (c namelessConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	return c.conn.ExecContext(hidden{ctx}, text, args)
}

// hidden is a context without values.
type hidden struct{ context.Context }

func (hidden) Value(any) any { return nil }

// sayingConn says what went wrong, and hides what it was.
type sayingConn struct{ *conn }

func (c sayingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	res, err := c.conn.ExecContext(ctx, text, args)
	if err != nil {
		err = fmt.Errorf("a replica says: %v", err)
	}
	return res, err
}

// twofold opens two of the router's connections for each of package sql's: one for
// what is not marked, and another one.
func twofold(how func(*twofoldConn)) breaking {
	return opening(func(s SplitSettings) (*Split, error) {
		r, err := router(s, sqlroute.UsePrimary)
		if err != nil {
			return nil, err
		}
		split := splitOf(r, connectFunc{r.Connector(), func(ctx context.Context) (driver.Conn, error) {
			one, err := r.Connector().Connect(ctx)
			if err != nil {
				return nil, err
			}
			other, err := r.Connector().Connect(ctx)
			if err != nil {
				return nil, err
			}
			c := &twofoldConn{conn: &conn{session: one.(session)}, other: &conn{session: other.(session)}}
			how(c)
			return c, nil
		}})
		split.Read = func(ctx context.Context) context.Context {
			return context.WithValue(sqlroute.Replica(ctx), reads{}, true)
		}
		return split, nil
	})
}

type reads struct{}

type twofoldConn struct {
	*conn
	other     *conn
	strays    bool // statements in a transaction are done outside of it
	follows   bool // each statement goes where its own context says
	fallsBack bool // what fails is done by a replica
	within    bool
}

func (c *twofoldConn) ResetSession(ctx context.Context) error {
	return errors.Join(c.conn.ResetSession(ctx), c.other.ResetSession(ctx))
}

func (c *twofoldConn) IsValid() bool { return c.conn.IsValid() && c.other.IsValid() }

func (c *twofoldConn) Close() error { return errors.Join(c.conn.Close(), c.other.Close()) }

func (c *twofoldConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	t, err := c.conn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	c.within = true
	return twofoldTx{t, c}, nil
}

type twofoldTx struct {
	driver.Tx
	c *twofoldConn
}

func (t twofoldTx) Commit() error {
	t.c.within = false
	return t.Tx.Commit()
}

func (t twofoldTx) Rollback() error {
	t.c.within = false
	return t.Tx.Rollback()
}

func (c *twofoldConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if c.strays && c.within || c.follows && ctx.Value(reads{}) != nil {
		return c.other.QueryContext(ctx, text, args)
	}
	rows, err := c.conn.QueryContext(ctx, text, args)
	if err != nil && c.fallsBack {
		return c.other.QueryContext(sqlroute.Replica(context.WithoutCancel(ctx)), text, args)
	}
	return rows, err
}
