package conformance

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// Pools that others have built, and that the suite once let pass: each flaw here is
// one that a wrapper, a cache or a queue has by accident.

var edgeMutants = []mutant{
	{"SQL-01", "column names in a transaction are in lower case", inTx(func(r driver.Rows) driver.Rows { return lowRows{r} })},
	{"SQL-01", "columns behind the 256th are dropped", answering(func(r driver.Rows) driver.Rows { return narrowRows{r} })},
	{"SQL-02", "a prepared statement's rows lose their optional interfaces", answeringPrepared(func(r driver.Rows) driver.Rows {
		return struct{ driver.Rows }{r}
	})},
	{"SQL-05", "RowsAffected is at most one", counting(func(r driver.Result) driver.Result { return fewResult{r} })},
	{"SQL-05", "RowsAffected fits into a byte", counting(func(r driver.Result) driver.Result { return byteResult{r} })},
	{"SQL-05", "LastInsertId is rounded", counting(func(r driver.Result) driver.Result { return roundResult{r} })},
	{"SQL-05", "LastInsertId is dropped", counting(func(r driver.Result) driver.Result { return idlessResult{r} })},
	{"SQL-06", "an empty set ends the answer", answering(func(r driver.Rows) driver.Rows { return &emptyEnds{fakeRows: r.(fakeRows)} })},
	{"SQL-07", "the 1024th row is the last", answering(func(r driver.Rows) driver.Rows { return &shortRows{fakeRows: r.(fakeRows), n: -24} })},
	{"SQL-10", "an error in a transaction is told in words only", txFailing},
	{"SQL-28", "integers above 2^53 lose their last digits", changing(func(v driver.Value) driver.Value {
		if n, ok := v.(int64); ok && (n > 1<<53 || n < -1<<53) {
			return int64(float64(n))
		}
		return v
	})},
	{"SQL-28", "the largest integer is one less", changing(func(v driver.Value) driver.Value {
		if v == int64(math.MaxInt64) {
			return int64(math.MaxInt64 - 1)
		}
		return v
	})},
	{"SQL-28", "microseconds are dropped", changing(func(v driver.Value) driver.Value {
		if t, ok := v.(time.Time); ok {
			return t.Truncate(time.Millisecond)
		}
		return v
	})},
	{"SQL-28", "times are told in UTC", changing(func(v driver.Value) driver.Value {
		if t, ok := v.(time.Time); ok {
			return t.UTC()
		}
		return v
	})},
	{"SQL-28", "text behind 4 KiB is dropped", changing(func(v driver.Value) driver.Value {
		if s, ok := v.(string); ok {
			return s[:min(len(s), 4096)]
		}
		return v
	})},
	{"SQL-28", "bytes end at a zero", changing(func(v driver.Value) driver.Value {
		if b, ok := v.([]byte); ok {
			b, _, _ = bytes.Cut(b, []byte{0})
			return b
		}
		return v
	})},
	{"SQL-28", "NaN is zero", changing(func(v driver.Value) driver.Value {
		if f, ok := v.(float64); ok && math.IsNaN(f) {
			return 0.0
		}
		return v
	})},
	{"SQL-28", "a zero has no sign", changing(func(v driver.Value) driver.Value {
		if v == 0.0 {
			return 0.0
		}
		return v
	})},
	{"SQL-28", "an empty text of a prepared statement is NULL", answeringPrepared(func(r driver.Rows) driver.Rows {
		return changedRows{r.(fakeRows), func(v driver.Value) driver.Value {
			if v == "" {
				return nil
			}
			return v
		}}
	})},
	{"SQL-28", "no bytes are an empty text", changing(func(v driver.Value) driver.Value {
		if b, ok := v.([]byte); ok && len(b) == 0 {
			return ""
		}
		return v
	})},
	{"SQL-28", "a long argument of a prepared statement is cut", stmtMutant(func(s stmt) driver.Stmt { return cuttingStmt{s} })},
	{"SQL-29", "an error behind the first row becomes the end of the rows", answering(func(r driver.Rows) driver.Rows { return &calmRows{fakeRows: r.(fakeRows)} })},
	{"SQL-29", "an error of a prepared query's rows becomes their end", answeringPrepared(func(r driver.Rows) driver.Rows { return &calmRows{fakeRows: r.(fakeRows), n: 1} })},
	{"SQL-29", "an error of the next result set becomes the end of the sets", answering(func(r driver.Rows) driver.Rows { return calmSets{r.(fakeRows)} })},
	{"SQL-29", "an error of the close of rows is dropped", answering(func(r driver.Rows) driver.Rows { return calmClose{r.(fakeRows)} })},
	{"SQL-29", "a Rollback that failed is told as success", txMutant(func(t tx) driver.Tx { return calmTx{t, false} })},
	{"SQL-30", "the end of a context is the end of the rows", answering(func(r driver.Rows) driver.Rows { return endingRows{r.(fakeRows)} })},
	{"SQL-31", "a Commit whose connection was lost is told as success", where(func(s Settings) bool { return s.Probe != nil }, txMutant(func(t tx) driver.Tx { return calmTx{t, true} }))},
	{"ACQ-06", "a slot that is granted while its waiter leaves is lost", queueing(1, false)},
	{"ACQ-06", "one slot in twenty that is granted while its waiter leaves is lost", queueing(20, false)},
	{"ACQ-06", "a waiter that leaves while it is granted a slot gives it back, and tells no other", queueing(1, true)},
	{"ACQ-06", "one waiter in twenty that leaves while it is granted a slot gives it back, and tells no other", queueing(20, true)},
	{"ACQ-06", "a connection is lost when its caller's context ends in the driver's reset", connectMutantKept(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		c, err := connect(ctx)
		if err != nil || p.Config().PingAfter != time.Nanosecond {
			return c, err
		}
		return &forgetfulConn{&conn{c.(session)}, p}, nil
	})},
	{"ACQ-09", "a slot is free before the connection is closed", configured(func(cfg *sqlpool.Config) {
		if cfg.CloseTimeout == DefaultLimit {
			cfg.Connector = wrapped{cfg.Connector, func(c driver.Conn) driver.Conn { return lateClose{c.(fullConn)} }}
		}
	})},
	{"ACQ-09", "a slot is free 10 ms after its Close has begun", configured(func(cfg *sqlpool.Config) {
		if cfg.CloseTimeout == DefaultLimit {
			cfg.CloseTimeout = 10 * time.Millisecond
		}
	})},
	{"INV-08", "a prepared INSERT is run again", above(func(c *conn) driver.Conn { return &againConn{conn: c, stmts: true} })},
	{"INV-08", "an INSERT that is a query is run again", above(func(c *conn) driver.Conn { return &againConn{conn: c, queries: true} })},
	{"INV-08", "package sql is told to try a query again that was sent", above(func(c *conn) driver.Conn { return badQueryConn{c} })},
	{"RST-09", "a reset is skipped after a transaction", below(func(c driver.Conn) driver.Conn { return &lazyReset{fullConn: c.(fullConn), tx: true} })},
	{"RST-09", "a reset is skipped after a query", below(func(c driver.Conn) driver.Conn { return &lazyReset{fullConn: c.(fullConn), query: true} })},
	{"RST-09", "a reset is skipped after a ping", below(func(c driver.Conn) driver.Conn { return &lazyReset{fullConn: c.(fullConn), ping: true} })},
	{"RST-05", "a reset is skipped after a transaction", forgetting},
}

// answering changes the rows of every query, prepared or not.
func answering(change func(driver.Rows) driver.Rows) breaking {
	return above(func(c *conn) driver.Conn { return answerConn{c, change, change} })
}

// answeringPrepared changes those of prepared statements only.
func answeringPrepared(change func(driver.Rows) driver.Rows) breaking {
	return above(func(c *conn) driver.Conn {
		return answerConn{c, func(r driver.Rows) driver.Rows { return r }, change}
	})
}

type answerConn struct {
	*conn
	text, prepared func(driver.Rows) driver.Rows
}

func (c answerConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.conn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return c.text(rows), nil
}

func (c answerConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return answerStmt{s.(stmt), c.prepared}, nil
}

type answerStmt struct {
	stmt
	change func(driver.Rows) driver.Rows
}

func (s answerStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := s.stmt.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	return s.change(rows), nil
}

// inTx changes the rows of queries in transactions only.
func inTx(change func(driver.Rows) driver.Rows) breaking {
	return above(func(c *conn) driver.Conn {
		t := &txRowsConn{conn: c}
		t.answer = answerConn{c, func(r driver.Rows) driver.Rows {
			if t.within {
				return change(r)
			}
			return r
		}, func(r driver.Rows) driver.Rows { return r }}
		return t
	})
}

type txRowsConn struct {
	*conn
	answer answerConn
	within bool
}

func (c *txRowsConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.answer.QueryContext(ctx, query, args)
}

func (c *txRowsConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.conn.ExecContext(ctx, query, args)
	if err != nil && c.within && strings.HasPrefix(query, "FAIL") {
		return nil, errors.New(err.Error())
	}
	return result, err
}

func (c *txRowsConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	t, err := c.conn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	c.within = true
	return leavingTx{t, c}, nil
}

type leavingTx struct {
	tx
	c *txRowsConn
}

func (t leavingTx) Commit() error   { t.c.within = false; return t.tx.Commit() }
func (t leavingTx) Rollback() error { t.c.within = false; return t.tx.Rollback() }

var txFailing = inTx(func(r driver.Rows) driver.Rows { return r })

type lowRows struct{ driver.Rows }

func (r lowRows) Columns() []string {
	names := slices.Clone(r.Rows.Columns())
	for i := range names {
		names[i] = strings.ToLower(names[i])
	}
	return names
}

type narrowRows struct{ driver.Rows }

func (r narrowRows) Columns() []string {
	names := r.Rows.Columns()
	return names[:min(len(names), 256)]
}

func (r narrowRows) Next(dest []driver.Value) error {
	all := make([]driver.Value, len(r.Rows.Columns()))
	err := r.Rows.Next(all)
	copy(dest, all)
	return err
}

// changing changes values of answers.
func changing(change func(driver.Value) driver.Value) breaking {
	return answering(func(r driver.Rows) driver.Rows { return changedRows{r.(fakeRows), change} })
}

type changedRows struct {
	fakeRows
	change func(driver.Value) driver.Value
}

func (r changedRows) Next(dest []driver.Value) error {
	err := r.fakeRows.Next(dest)
	for i := range dest {
		dest[i] = r.change(dest[i])
	}
	return err
}

type cuttingStmt struct{ stmt }

func (s cuttingStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	args = slices.Clone(args)
	for i := range args {
		if text, ok := args[i].Value.(string); ok && len(text) > 8192 {
			args[i].Value = text[:8192]
		}
	}
	return s.stmt.QueryContext(ctx, args)
}

// counting changes results, of statements prepared or not.
func counting(change func(driver.Result) driver.Result) breaking {
	return above(func(c *conn) driver.Conn { return countConn{c, change} })
}

type countConn struct {
	*conn
	change func(driver.Result) driver.Result
}

func (c countConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.conn.ExecContext(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return c.change(result), nil
}

type fewResult struct{ driver.Result }

func (r fewResult) RowsAffected() (int64, error) {
	n, err := r.Result.RowsAffected()
	return min(n, 1), err
}

type byteResult struct{ driver.Result }

func (r byteResult) RowsAffected() (int64, error) {
	n, err := r.Result.RowsAffected()
	return int64(uint8(n)), err
}

type roundResult struct{ driver.Result }

func (r roundResult) LastInsertId() (int64, error) {
	n, err := r.Result.LastInsertId()
	return int64(float64(n)), err
}

type idlessResult struct{ driver.Result }

func (idlessResult) LastInsertId() (int64, error) { return 0, nil }

// emptyEnds has no more sets behind one without rows.
type emptyEnds struct {
	fakeRows
	rows int
}

func (r *emptyEnds) Next(dest []driver.Value) error {
	err := r.fakeRows.Next(dest)
	if err == nil {
		r.rows++
	}
	return err
}

func (r *emptyEnds) HasNextResultSet() bool { return r.rows > 0 && r.fakeRows.HasNextResultSet() }

func (r *emptyEnds) NextResultSet() error {
	r.rows = 0
	return r.fakeRows.NextResultSet()
}

// calmRows end where they fail, once they have begun.
type calmRows struct {
	fakeRows
	n int
}

func (r *calmRows) Next(dest []driver.Value) error {
	err := r.fakeRows.Next(dest)
	if r.n++; err != nil && r.n > 1 && !errors.Is(err, context.Canceled) {
		return io.EOF
	}
	return err
}

type calmSets struct{ fakeRows }

func (r calmSets) NextResultSet() error {
	if err := r.fakeRows.NextResultSet(); err != nil {
		return io.EOF
	}
	return nil
}

type calmClose struct{ fakeRows }

func (r calmClose) Close() error {
	_ = r.fakeRows.Close()
	return nil
}

type endingRows struct{ fakeRows }

func (r endingRows) Next(dest []driver.Value) error {
	err := r.fakeRows.Next(dest)
	if errors.Is(err, context.Canceled) {
		return io.EOF
	}
	return err
}

// calmTx hides what happened to its end.
type calmTx struct {
	tx
	commits bool
}

func (t calmTx) Commit() error {
	err := t.tx.Commit()
	if t.commits && errors.Is(err, sqlpool.ErrConnLost) {
		return nil
	}
	return err
}

func (t calmTx) Rollback() error {
	err := t.tx.Rollback()
	if !t.commits {
		return nil
	}
	return err
}

// queueing has a queue of its own in front of the pool, whose waiters are handed a
// slot and may have gone. One of so many of those is forgotten.
func queueing(every int, deaf bool) breaking {
	return connecting(func(p *sqlpool.Pool) driver.Connector {
		inner := p.Connector()
		most := p.Config().MaxConns
		if most != 11 {
			return inner
		}
		q := &slotQueue{free: most, every: every, deaf: deaf}
		return connectFunc{inner, func(ctx context.Context) (driver.Conn, error) {
			if err := q.take(ctx); err != nil {
				return nil, err
			}
			c, err := inner.Connect(ctx)
			if err != nil {
				q.give()
				return nil, err
			}
			return &slotConn{conn: &conn{c.(session)}, q: q}, nil
		}}
	}, false)
}

type slotQueue struct {
	mu      sync.Mutex
	free    int
	waiting []chan struct{}
	gone    int // waiters that were granted a slot and had gone
	every   int
	deaf    bool
}

func (q *slotQueue) take(ctx context.Context) error {
	q.mu.Lock()
	if q.free > 0 {
		q.free--
		q.mu.Unlock()
		return nil
	}
	granted := make(chan struct{}, 1)
	q.waiting = append(q.waiting, granted)
	q.mu.Unlock()
	select {
	case <-granted:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, granted); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		return ctx.Err()
	}
	q.gone++
	switch flawed := q.gone%q.every == 0; {
	case flawed && q.deaf:
		q.free++ // it forgets that there is one who could have it
	case !flawed:
		q.giveLocked()
	}
	return ctx.Err()
}

func (q *slotQueue) give() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.giveLocked()
}

func (q *slotQueue) giveLocked() {
	if len(q.waiting) == 0 {
		q.free++
		return
	}
	q.waiting[0] <- struct{}{}
	q.waiting = q.waiting[1:]
}

type slotConn struct {
	*conn
	q    *slotQueue
	once sync.Once
}

func (c *slotConn) Close() error {
	defer c.once.Do(c.q.give)
	return c.conn.Close()
}

// forgetfulConn loses its connection when a caller's context ends while it gets it.
type forgetfulConn struct {
	*conn
	pool *sqlpool.Pool
}

func (c *forgetfulConn) ResetSession(ctx context.Context) error {
	err := c.conn.ResetSession(ctx)
	if ctx.Err() != nil && c.pool.Stats().InUse > 0 {
		_, _ = c.pool.Acquire(context.Background())
	}
	return err
}

// lateClose says that it is closed before it is.
type lateClose struct{ fullConn }

func (c lateClose) Close() error {
	go c.fullConn.Close()
	return nil
}

// againConn tries again what was lost.
type againConn struct {
	*conn
	stmts, queries bool
}

func (c *againConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.conn.QueryContext(ctx, query, args)
	if c.queries && errors.Is(err, sqlpool.ErrConnLost) && strings.HasPrefix(query, "INSERT") {
		return nil, driver.ErrBadConn
	}
	return rows, err
}

func (c *againConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.conn.PrepareContext(ctx, text)
	if err != nil || !c.stmts {
		return s, err
	}
	return againStmt{s.(stmt), text}, nil
}

type againStmt struct {
	stmt
	text string
}

func (s againStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	result, err := s.stmt.ExecContext(ctx, args)
	if errors.Is(err, sqlpool.ErrConnLost) && strings.HasPrefix(s.text, "INSERT") {
		return nil, driver.ErrBadConn
	}
	return result, err
}

type badQueryConn struct{ *conn }

func (c badQueryConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return badQueryStmt{s.(stmt), text}, nil
}

type badQueryStmt struct {
	stmt
	text string
}

func (s badQueryStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := s.stmt.QueryContext(ctx, args)
	if errors.Is(err, sqlpool.ErrConnLost) && strings.HasPrefix(s.text, "INSERT") {
		return nil, driver.ErrBadConn
	}
	return rows, err
}

// lazyReset does not pass the next reset on after one kind of use.
type lazyReset struct {
	fullConn
	tx, query, ping bool // the kind
	skips           bool
}

func (c *lazyReset) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.skips = c.skips || c.tx
	return c.fullConn.BeginTx(ctx, opts)
}

func (c *lazyReset) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.skips = c.skips || c.query
	return c.fullConn.QueryContext(ctx, query, args)
}

func (c *lazyReset) Ping(ctx context.Context) error {
	c.skips = c.skips || c.ping
	return c.fullConn.Ping(ctx)
}

func (c *lazyReset) ResetSession(ctx context.Context) error {
	if c.skips {
		c.skips = false
		return nil
	}
	return c.fullConn.ResetSession(ctx)
}

// forgetting does not run a reset policy after a transaction.
func forgetting(_ *fakedb.DB, t *Target) {
	t.Open = func(s Settings) (*Subject, error) {
		if len(s.Hooks) != 1 || s.Hooks[0].AfterRelease == nil || s.Hooks[0].OnClose != nil || s.MaxConns != 1 {
			return OpenPool(s)
		}
		var mu sync.Mutex
		began := map[driver.Conn]bool{}
		after := s.Hooks[0].AfterRelease
		s.Hooks = []sqlpool.Hooks{{
			AfterConnect: func(_ context.Context, c *sqlpool.Conn) error { c.SetValue("raw", c.Raw()); return nil },
			AfterRelease: func(r sqlpool.Releasing) error {
				raw := r.Conn.Value("raw").(driver.Conn)
				mu.Lock()
				skips := began[raw]
				delete(began, raw)
				mu.Unlock()
				if skips {
					return nil
				}
				return after(r)
			},
		}}
		s.Connector = wrapped{s.Connector, func(c driver.Conn) driver.Conn {
			raw := c.(fullConn).Raw()
			return beginsConn{c.(fullConn), func() { mu.Lock(); began[raw] = true; mu.Unlock() }}
		}}
		return OpenPool(s)
	}
}

// beginsConn tells of its transactions.
type beginsConn struct {
	fullConn
	note func()
}

func (c beginsConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.note()
	return c.fullConn.BeginTx(ctx, opts)
}
