package acceptance

import (
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/sqlpool/go/sqlpool"
)

// A procedure that commits and then fails with the SQLSTATE of a stale
// statement has had its effect: it is not called again.
func TestACallThatCommittedIsNotRepeated(t *testing.T) {
	onEach(t, func(a *app) {
		_, db := a.pool(sqlpool.Config{MaxConns: 1})
		a.exec(db, "CREATE TABLE tokens (token text)")
		a.exec(db, `CREATE PROCEDURE keep(v text) LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO tokens VALUES (v); COMMIT; EXECUTE 'EXECUTE gone_statement'; END $$`)
		if _, err := db.ExecContext(a.ctx(), "CALL keep($1)", "text"); err == nil {
			a.Error("no error")
		}
		stmt, err := db.PrepareContext(a.ctx(), "CALL keep('prepared')")
		a.must(err)
		defer stmt.Close()
		if _, err := stmt.ExecContext(a.ctx()); err == nil {
			a.Error("no error")
		}
		for _, token := range []string{"text", "prepared"} {
			var n int
			a.must(db.QueryRowContext(a.ctx(), "SELECT count(*) FROM tokens WHERE token = $1", token).Scan(&n))
			if n != 1 {
				a.Errorf("%s: called once, written %d times", token, n)
			}
		}
	})
}

// A statement's own ERROR with an SQLSTATE that would end a dial does not end
// the connection.
func TestAnErrorIsNotTakenForADeadConnection(t *testing.T) {
	onEach(t, func(a *app) {
		pool, db := a.pool(sqlpool.Config{MaxConns: 1})
		conn, err := db.Conn(a.ctx())
		a.must(err)
		defer conn.Close()
		_, err = conn.ExecContext(a.ctx(), "SET statement_timeout = '7s'")
		a.must(err)
		for _, text := range []string{
			"DROP DATABASE there_is_none",
			`DO $$ BEGIN RAISE EXCEPTION 'no connection' USING ERRCODE = '08003'; END $$`,
		} {
			if _, err := conn.ExecContext(a.ctx(), text); err == nil {
				a.Errorf("%s: no error", text)
			}
		}
		var timeout string
		if err := conn.QueryRowContext(a.ctx(), "SHOW statement_timeout").Scan(&timeout); err != nil || timeout != "7s" {
			a.Errorf("the session is gone: %q, %v", timeout, err)
		}
		if s := pool.Stats(); s.Generation != 0 {
			a.Errorf("generation %d", s.Generation)
		}
	})
}

// A connection that breaks while rows are read is an error that no caller
// can take for "nothing was executed".
func TestRowsThatBreakAreNotABadConnection(t *testing.T) {
	onEach(t, func(a *app) {
		_, db := a.pool(sqlpool.Config{MaxConns: 2})
		for _, prepared := range []bool{false, true} {
			width, args := "1000", []any(nil)
			if prepared {
				width, args = "$1", []any{1000}
			}
			rows, err := db.QueryContext(a.ctx(), "SELECT g, pg_backend_pid(), repeat('x', "+width+") FROM generate_series(1, 1000000) g", args...)
			a.must(err)
			for rows.Next() {
				var g, pid int
				var text string
				a.must(rows.Scan(&g, &pid, &text))
				if g == 1 {
					var ok bool
					a.must(db.QueryRowContext(a.ctx(), "SELECT pg_terminate_backend($1)", pid).Scan(&ok))
				}
			}
			err = rows.Err()
			if err == nil || errors.Is(err, driver.ErrBadConn) {
				a.Errorf("prepared %v: %v", prepared, err)
			}
			rows.Close()
		}
	})
}
