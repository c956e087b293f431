package route

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"

	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/internal/sqlstack"
)

// operation is what is to be done.
type operation struct {
	replica  bool  // it is sent to a replica
	readOnly bool  // it begins a read-only transaction
	st       *stmt // that it executes, or nil
}

// statement is the operation of executing a text, or st if that is not nil.
func statement(ctx context.Context, st *stmt) operation {
	return operation{replica: markOf(ctx).to == toReplica, st: st}
}

// do has an operation done by the session of the server where it belongs. A read goes on to the next server while it gets no
// connection.
func (c *conn) do(ctx context.Context, op operation, f func(*held) error) error {
	var tried uint64
	var last error
	for {
		err := c.enter(ctx, op, tried, last)
		if err == nil {
			if m := markOf(ctx); m.session != nil {
				if c.session == nil || c.session == &c.router.unclaimed {
					c.session = m.session
				}
				c.noteWrite(m.session, op)
			}
			err = f(&c.sessions[c.at.index])
			if err == nil || !c.fresh {
				c.fresh = false
				return err
			}
		}
		if !c.elsewhere(ctx, err) {
			if c.fresh = false; c.at != nil && c.sessions[c.at.index].pooled == nil {
				c.leave() // the next operation of a *sql.Conn tries again
			}
			return err
		}
		tried |= c.at.bit()
		last = err
		c.leave()
	}
}

// noteWrite notes that a write of the session may be on its way: its reads go to the primary until the conn is handed back,
// and then need a later position. On the primary only a read-only transaction is known to write nothing, and a read that
// has found no replica; a mark changes nothing in a transaction or on a *sql.Conn of the primary.
func (c *conn) noteWrite(s *session, op operation) {
	reads := op.readOnly || op.replica && c.replica
	if c.tx != nil {
		reads = c.readOnly
	}
	if reads || !c.at.isPrimary() {
		return
	}
	for _, noted := range c.wrote {
		if noted == s {
			return
		}
	}
	s.began(c.router)
	c.wrote = append(c.wrote, s)
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (res driver.Result, err error) {
	err = c.do(ctx, statement(ctx, nil), func(s *held) (err error) {
		res, err = s.ExecContext(ctx, query, args)
		return err
	})
	return res, err
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = c.do(ctx, statement(ctx, nil), func(s *held) (err error) {
		rows, err = s.QueryContext(ctx, query, args)
		return err
	})
	return rows, err
}

// Ping implements driver.Pinger.
func (c *conn) Ping(ctx context.Context) error {
	return c.do(ctx, statement(ctx, nil), func(s *held) error { return s.Ping(ctx) })
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	st := &stmt{conn: c, text: query}
	st.ofDB, st.once = preparesForDB()
	err := c.do(ctx, statement(ctx, nil), func(s *held) error {
		_, err := st.preparedOn(ctx, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.live++
	if st.ofDB && c.tx == nil {
		c.prepared = st
	}
	return st, nil
}

// preparesForDB reports whether a statement is prepared for a *sql.DB, which may execute it alone on the conn: also in a
// transaction's StmtContext. once: its execution comes next, and is the only one.
func preparesForDB() (ofDB, once bool) {
	switch caller, method := sqlstack.Caller(); caller {
	case sqlstack.DB:
		return true, !strings.HasPrefix(method, "Prepare")
	case sqlstack.Stmt:
		return true, false
	case sqlstack.Tx:
		return strings.HasPrefix(method, "Stmt"), false
	}
	return false, false
}

// Prepare implements driver.Conn.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// BeginTx implements driver.ConnBeginTx: it is the options that say where a transaction goes. A replica refuses one that is
// serializable.
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	var begun driver.Tx
	replica := opts.ReadOnly && markOf(ctx).to != toPrimary && opts.Isolation != driver.IsolationLevel(sql.LevelSerializable)
	err := c.do(ctx, operation{replica: replica, readOnly: opts.ReadOnly}, func(s *held) (err error) {
		begun, err = s.BeginTx(ctx, opts)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.tx, c.readOnly = begun, opts.ReadOnly
	return (*tx)(c), nil
}

// Begin implements driver.Conn.
func (c *conn) Begin() (driver.Tx, error) { return c.BeginTx(context.Background(), driver.TxOptions{}) }

// tx is a conn in a transaction.
type tx conn

// Commit implements driver.Tx.
func (t *tx) Commit() error { return t.end(driver.Tx.Commit) }

// Rollback implements driver.Tx.
func (t *tx) Rollback() error { return t.end(driver.Tx.Rollback) }

func (t *tx) end(f func(driver.Tx) error) error {
	begun := t.tx
	if begun == nil {
		return sqlpool.ErrNotHeld
	}
	t.tx = nil
	return f(begun)
}

// CheckNamedValue accepts every argument: the pool's session converts them by the rules of the connection that it gets.
func (c *conn) CheckNamedValue(*driver.NamedValue) error { return nil }

// Raw returns the driver's own connection, for sql.Conn.Raw, on the server that the *sql.Conn is on. It is nil when no
// connection could be acquired; the next method says why.
func (c *conn) Raw() (raw driver.Conn) {
	session := c.session
	if !c.from.validates.Load() && !c.from.resets.Load() {
		session = &c.router.unclaimed // c.session may be that of an earlier *sql.Conn
	}
	ctx := context.Background()
	if session != nil {
		ctx = context.WithValue(ctx, markKey{}, &mark{session: session})
	}
	_ = c.do(ctx, operation{replica: c.replica}, func(s *held) error { // the next method meets the error again
		if session != nil {
			c.noteWrite(session, operation{}) // what is done with it is not seen
		}
		raw = s.Raw()
		return nil
	})
	return raw
}

// Unwrap is Raw, under the name that tracing drivers use.
func (c *conn) Unwrap() driver.Conn { return c.Raw() }
