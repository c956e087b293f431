package conformance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
)

// edgeRules: every value, and every error, on every route.
var edgeRules = []Rule{
	{
		ID:     "SQL-28",
		Rule:   "values at the edges of their types and of every size come back as they were sent, on every way to the driver",
		Why:    "a number above 2^53, a microsecond, a long text or an empty one that is not NULL would be another on the day it is used",
		Source: "database/sql: Rows.Scan; database/sql/driver: Value",
		needs:  []Need{NeedEcho},
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				for _, echo := range x.target.Dialect.echoes() {
					if echo.text == "" {
						continue
					}
					x.along(r, db, echo.text, func(route string, a asker) {
						for i, value := range echo.values {
							rows, err := a.query(value)
							r.rows(fmt.Sprintf("%s: %s with value %d, %.40s", route, echo.text, i, told(value)), rows, err)
						}
					})
				}
			})
		},
	},
	{
		ID:     "SQL-29",
		Rule:   "an error of the driver is the error of the call in which it comes: at the first row, a later one, the end of the rows, Commit, wherever",
		Why:    "an error that becomes the end of the rows is a report with some of its lines, and one that becomes success is a write that never was",
		Source: "database/sql/driver: Rows.Next, RowsNextResultSet, Tx, Stmt",
		needs:  []Need{NeedProbe, NeedSeries},
		check: func(x *trial) {
			p := x.probe()
			db := x.open(Settings{MaxConns: 3}).DB
			for _, at := range x.moments() {
				for _, how := range []error{errors.New("conformance: of the driver"), stateError("22012"), io.ErrUnexpectedEOF} {
					if how == io.ErrUnexpectedEOF && at.again {
						continue // it may be tried on another connection
					}
					p.failAt(at.op, at.nth, how)
					err := at.do(db)
					p.afterwards(nil)
					if err == nil {
						x.errorf("the driver said %q at %s, and the caller is told that it succeeded", how, at.what)
					} else if !errors.Is(err, how) && how != io.ErrUnexpectedEOF && at.op != OpCommit && at.op != OpRollback {
						x.errorf("the driver said %q at %s, and the caller is told %q, which is not that", how, at.what, err)
					}
				}
			}
			x.use("a statement after all that", db)
		},
	},
	{
		ID:     "SQL-30",
		Rule:   "rows whose context ends while they are read come to their end or to an error, never to fewer rows",
		Why:    "a request that ran out of time would answer with half of the data, and say that it is all",
		Source: "database/sql: Rows.Err",
		needs:  []Need{NeedProbe, NeedSeries},
		check: func(x *trial) {
			const most = 50
			p := x.probe()
			db := x.open(Settings{MaxConns: 2}).DB
			for _, at := range []int{1, 2, most / 2, most, most + 1} {
				for _, way := range x.routes() {
					ctx, cancel := context.WithCancel(x.ctx)
					p.cutAt(OpNext, at, cancel)
					n, asked, err := 0, false, error(nil)
					_ = way.open(ctx, db, fmt.Sprintf(x.target.Dialect.Series, most), func(a asker) {
						asked = true
						var rows *sql.Rows
						if rows, err = a.query(); err == nil {
							for ; rows.Next(); n++ {
							}
							err = errors.Join(rows.Err(), rows.Close())
						}
					})
					p.intercept(nil)
					cancel()
					if asked && err == nil && n != most {
						x.errorf("%s: the context ended at row %d; %d of %d rows came, and no error", way.name, at, n, most)
					}
				}
			}
			x.use("a statement after all that", db)
		},
	},
	{
		ID:     "SQL-31",
		Rule:   "a Commit whose reply was lost is an error, whatever became of the transaction, and what it wrote is there once at most",
		Why:    "an order would be confirmed that is not in the database",
		Source: "database/sql: Tx.Commit; this pool: the outcome of a Commit that failed is unknown",
		needs:  []Need{NeedProbe, NeedLedger},
		check: func(x *trial) {
			p, l := x.probe(), x.ledger()
			n := 0
			for what, lost := range losses() {
				for _, done := range []bool{true, false} {
					for _, text := range []string{"Exec", "prepared"} {
						// One for each: what was not done leaves a transaction open, where the
						// error does not say that the connection is lost.
						db := x.open(Settings{MaxConns: 2}).DB
						n++
						token := l.token(n)
						tx, err := db.BeginTx(x.ctx, nil)
						x.must("Begin", err)
						x.must("an insert", l.write(x.ctx, tx, text, token))
						if done {
							p.failAt(OpCommit, 1, lost)
						} else {
							p.failing(OpCommit, func(int) error { return lost })
						}
						err = tx.Commit()
						p.afterwards(nil)
						p.intercept(nil)
						if err == nil {
							x.errorf("the driver said %s at Commit (the server has committed: %v), and the caller is told that it succeeded", what, done)
						}
						if most := l.written(token); most > 1 || done && most != 1 {
							x.errorf("the driver said %s at Commit (the server has committed: %v), and the row is there %d times", what, done, most)
						}
					}
				}
			}
		},
	},
}

// failAt has the nth call of an operation fail when the driver has done it, and
// those behind it too: a driver whose call has failed says so again.
func (p *Probe) failAt(op string, nth int, how error) {
	n := 0
	p.afterwards(func(_ context.Context, c Call, err error) error {
		if c.Op != op {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if n++; n >= nth {
			return how
		}
		return err
	})
}

// cutAt ends a context at the nth call of an operation, whose outcome is then the
// context's error.
func (p *Probe) cutAt(op string, nth int, cancel context.CancelFunc) {
	n := 0
	p.intercept(func(ctx context.Context, c Call) error {
		if c.Op != op {
			return nil
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if n++; n >= nth {
			cancel()
			return context.Canceled
		}
		return nil
	})
}

// moment is a call of the driver in which an error may come.
type moment struct {
	what  string
	op    string
	nth   int
	again bool // a connection that breaks there may be replaced without a word
	do    func(*sql.DB) error
}

// moments are all that an application can bring about.
func (x *trial) moments() (all []moment) {
	d, ctx := &x.target.Dialect, x.ctx
	const most = 5
	for _, way := range x.routes() {
		read := func(text string, args ...any) func(*sql.DB) error {
			return func(db *sql.DB) error {
				asked, err := false, error(nil)
				opened := way.open(ctx, db, text, func(a asker) {
					asked = true
					var rows *sql.Rows
					if rows, err = a.query(args...); err == nil {
						err = readAll(rows)
					}
				})
				if !asked {
					return opened
				}
				return err
			}
		}
		series := read(fmt.Sprintf(d.Series, most))
		for _, row := range []struct {
			what string
			nth  int
		}{{"the first row", 1}, {"the third row", 3}, {"the last row", most}, {"the end of the rows", most + 1}} {
			all = append(all, moment{way.name + ": " + row.what, OpNext, row.nth, false, series})
		}
		exec := func(db *sql.DB) (err error) {
			_ = way.open(ctx, db, d.One, func(a asker) { _, err = a.exec() })
			return err
		}
		all = append(all, moment{way.name + ": Exec", OpExec, 1, true, exec}, moment{way.name + ": Query", OpQuery, 1, true, read(d.One)})
		if sets := read(d.Sets); d.Sets != "" && sets(x.plain()) == nil && x.hasSets() {
			all = append(all, moment{way.name + ": the second result set", OpNextSet, 1, false, sets})
		}
	}
	tx := func(f func(*sql.Tx) error) func(*sql.DB) error {
		return func(db *sql.DB) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			if _, err := tx.ExecContext(ctx, d.One); err != nil {
				return err
			}
			return f(tx)
		}
	}
	all = append(all,
		moment{"QueryRow: the first row", OpNext, 1, false, func(db *sql.DB) error {
			var n int
			err := db.QueryRowContext(ctx, d.One).Scan(&n)
			if errors.Is(err, sql.ErrNoRows) {
				return nil // that is not what has happened
			}
			return err
		}},
		moment{"QueryRow: the close of its rows", OpUnrows, 1, false, func(db *sql.DB) error {
			var n int
			return db.QueryRowContext(ctx, d.One).Scan(&n)
		}},
		moment{"the close of rows", OpUnrows, 1, false, func(db *sql.DB) error {
			rows, err := db.QueryContext(ctx, fmt.Sprintf(d.Series, most)) //nolint:rowserrcheck // its close is what counts
			if err != nil {
				return err
			}
			rows.Next()
			return rows.Close()
		}},
		moment{"Commit", OpCommit, 1, false, tx((*sql.Tx).Commit)},
		moment{"Rollback", OpRollback, 1, false, tx((*sql.Tx).Rollback)},
		moment{"Begin", OpBegin, 1, true, tx(func(*sql.Tx) error { return nil })},
		moment{"Ping", OpPing, 1, true, func(db *sql.DB) error { return db.PingContext(ctx) }},
	)
	if x.target.lacks(NeedPrepares) == "" {
		all = append(all, moment{"Prepare", OpPrepare, 1, true, func(db *sql.DB) error {
			stmt, err := db.PrepareContext(ctx, d.One+" ") // a text of its own: what is prepared already is not prepared again
			if err == nil {
				_ = stmt.Close()
			}
			return err
		}})
	}
	return all
}

// hasSets reports whether the driver comes to a second result set at all: pgx's
// simple protocol takes the text, and reads the first.
func (x *trial) hasSets() bool {
	rows, err := x.plain().QueryContext(x.ctx, x.target.Dialect.Sets)
	if err != nil {
		return false
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.NextResultSet() && rows.Err() == nil
}

// readAll reads every set and says what went wrong.
func readAll(rows *sql.Rows) error {
	for {
		for rows.Next() {
		}
		if err := rows.Err(); err != nil {
			_ = rows.Close()
			return err
		}
		if !rows.NextResultSet() {
			return errors.Join(rows.Err(), rows.Close())
		}
	}
}
