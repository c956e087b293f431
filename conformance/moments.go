package conformance

import (
	"database/sql"
	"errors"
	"fmt"
)

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
