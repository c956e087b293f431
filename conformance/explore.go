package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
)

// explore finds out what the caller did not say: the dialect, what the
// driver's connections can tell, and whose pool is under test.
func (t *Target) explore(ctx context.Context) error {
	lacks := map[Need]string{}
	t.Lacks, lacks = lacks, t.Lacks // what is declared wins over what is found
	db := sql.OpenDB(t.Connector)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("opening a first connection: %w", err)
	}
	defer conn.Close()
	if t.Dialect.Name == "" {
		t.Dialect = detect(ctx, conn)
	}
	if _, err := conn.ExecContext(ctx, t.Dialect.One); err != nil {
		return fmt.Errorf("the database does not speak the dialect %s: %w", t.Dialect.Name, err)
	}
	err = conn.Raw(func(c any) error {
		t.askDriver(c)
		return nil
	})
	if err != nil {
		return err
	}
	if t.Server == nil && t.Dialect.Kill != "" {
		t.Server = bySQL{t}
	}
	t.askDialect()
	if err := t.askPool(); err != nil {
		return err
	}
	if err := t.askSplit(); err != nil {
		return err
	}
	for need, reason := range lacks {
		t.Lacks[need] = reason
	}
	t.Lacks[NeedBreak] = t.Lacks[NeedProbe]
	return nil
}

// detect asks for the version the way each database wants to be asked.
func detect(ctx context.Context, conn *sql.Conn) Dialect {
	var version string
	if err := conn.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err == nil {
		return SQLite
	}
	if err := conn.QueryRowContext(ctx, "SELECT version()").Scan(&version); err == nil && strings.HasPrefix(version, "PostgreSQL") {
		return PostgreSQL
	}
	return generic
}

// askDriver looks for the optional methods that sqlpool looks for.
func (t *Target) askDriver(c any) {
	missing := func(need Need, found bool) {
		if !found {
			t.Lacks[need] = "it takes " + string(need)
		}
	}
	missing(NeedLife, has[interface{ Alive() error }](c))
	missing(NeedTxStatus, has[interface{ TxStatus() byte }](c))
	missing(NeedSent, has[interface{ Sent() uint64 }](c))
	missing(NeedRestates, has[interface{ StatementStale(error) bool }](c))
	missing(NeedAbort, has[interface{ Abort() error }](c))
	ends, ok := find[interface{ EndsStatements() bool }](c)
	missing(NeedCloses, !ok || !ends.EndsStatements())
}

// has reports whether c, or what it wraps, is a T.
func has[T any](c any) bool {
	_, ok := find[T](c)
	return ok
}

// find returns c, or what it wraps, as a T.
func find[T any](c any) (t T, ok bool) {
	for range 8 { // a wrapper may return itself
		if t, ok = c.(T); ok {
			return t, true
		}
		w, wraps := c.(interface{ Raw() driver.Conn })
		if !wraps {
			return t, false
		}
		c = w.Raw()
	}
	return t, false
}

func (t *Target) askDialect() {
	d := &t.Dialect
	for need, able := range map[Need]bool{
		NeedSession: d.Session != "", NeedState: d.Set != "" && d.Show != "", NeedSleep: d.Sleep != "",
		NeedFail: d.Fail != "", NeedTables: d.Tables, NeedSets: d.Sets != "", NeedSeries: d.Series != "",
		NeedLedger: d.Insert != "" && (d.Tables && d.Count != "" || d.Written != nil),
		NeedEcho:   d.Echo != "", NeedTextTx: d.Begin != "", NeedStale: d.Alter != "",
		NeedDiscard: d.Discard != "", NeedRaise: d.Raise != "", NeedStubborn: d.Stubborn != "", NeedKill: t.Server != nil,
	} {
		if !able {
			t.Lacks[need] = fmt.Sprintf("%s has no words for %s", d.Name, need)
		}
	}
}

// askPool opens the database under test once to see whose it is.
func (t *Target) askPool() error {
	if t.Open == nil {
		return nil
	}
	subject, err := t.Open(Settings{Connector: t.Connector})
	if err != nil {
		return fmt.Errorf("opening the database under test: %w", err)
	}
	defer subject.Close()
	if subject.Pool == nil {
		t.Lacks[NeedPool] = "it has no " + strings.TrimPrefix(string(NeedPool), "sqlpool's ")
	}
	return nil
}

func (t *Target) lacks(need Need) string { return t.Lacks[need] }

// bySQL kills sessions with the dialect's own words, on a connection of its own.
type bySQL struct{ target *Target }

// Kill implements Server.
func (b bySQL) Kill(ctx context.Context, session string) error {
	db := sql.OpenDB(b.target.Connector)
	defer db.Close()
	// Asked again until the session is gone: before version 14 PostgreSQL has no function that waits for that.
	for {
		var ended any
		err := db.QueryRowContext(ctx, b.target.Dialect.Kill, session).Scan(&ended)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
