package sqlmockpool_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/mocks/sqlmockpool"
)

// A scene is code under test with its expectations. It notes all that it can
// see; on the pool it must see what it sees on sqlmock.New.
type scene struct {
	name    string
	options []any // go-sqlmock's
	run     func(s *script, db *sql.DB, mock sqlmock.Sqlmock)
}

type opened struct {
	db   *sql.DB
	mock sqlmock.Sqlmock
}

// script is what a scene saw.
type script struct {
	t     testing.TB
	lines []string
}

// note adds what a call returned. Errors are kept with their text and with
// whether they are the very error that was mocked.
func (s *script) note(what string, results ...any) {
	for i, r := range results {
		switch r := r.(type) {
		case sql.Result:
			id, err1 := r.LastInsertId()
			n, err2 := r.RowsAffected()
			results[i] = fmt.Sprintf("result %d %v %d %v", id, err1, n, err2)
		case error:
			results[i] = fmt.Sprintf("error %q, mocked: %t", r, r == errMocked)
		case *sql.Rows:
			results[i] = "rows"
			if r == nil {
				results[i] = "no rows"
			}
		}
	}
	s.lines = append(s.lines, fmt.Sprintf("%s: %v", what, results))
}

// TestTheSameOnThePool runs each scene on both and compares.
func TestTheSameOnThePool(t *testing.T) {
	for _, sc := range slices.Concat(statements, transactions, prepared, closes, pings, rowsScenes, contexts, unexpected) {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { compare(t, sc) })
		})
	}
}

func compare(t *testing.T, sc scene) {
	f := &fakeTB{TB: t}
	plain, pooled := both(f, sc.options)
	want := play(t, sc, plain)
	got := play(t, sc, pooled)
	if !slices.Equal(got, want) {
		t.Errorf("on the pool:\n  %s\non sqlmock.New:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	f.end()
	met := !strings.Contains(want[len(want)-1], "error")
	if failed := len(f.errors) > 0; failed == met {
		t.Errorf("expectations met on sqlmock.New: %t; at the end of the test on the pool: %q", met, f.errors)
	}
}

func play(t testing.TB, sc scene, on opened) []string {
	s := &script{t: t}
	sc.run(s, on.db, on.mock)
	s.note("expectations", on.mock.ExpectationsWereMet())
	return s.lines
}

// both opens the database plain and pooled with the same options.
func both(t testing.TB, opts []any) (plain, pooled opened) {
	var err error
	if plain.db, plain.mock, err = openPlain(opts); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plain.db.Close() })
	if pooled.db, pooled.mock, err = openPooled(t, opts); err != nil {
		t.Fatal(err)
	}
	return plain, pooled
}

// The options' type has no name outside go-sqlmock, hence the type parameters.
var (
	openPlain  = plainWith(sqlmock.New)
	openPooled = pooledWith(sqlmockpool.New)
)

func plainWith[O any](open func(...O) (*sql.DB, sqlmock.Sqlmock, error)) func([]any) (*sql.DB, sqlmock.Sqlmock, error) {
	return func(opts []any) (*sql.DB, sqlmock.Sqlmock, error) { return open(typed[O](opts)...) }
}

func pooledWith[O any](open func(sqlmockpool.T, ...O) (*sql.DB, sqlmock.Sqlmock, error)) func(testing.TB, []any) (*sql.DB, sqlmock.Sqlmock, error) {
	return func(t testing.TB, opts []any) (*sql.DB, sqlmock.Sqlmock, error) {
		return open(t, typed[O](opts)...)
	}
}

func typed[O any](opts []any) []O {
	var all []O
	for _, o := range opts {
		all = append(all, o.(O))
	}
	return all
}
