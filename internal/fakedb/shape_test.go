package fakedb_test

import (
	"database/sql"
	"database/sql/driver"
	"reflect"
	"testing"

	"github.com/sqlpool/go/internal/fakedb"
)

// Every optional thing a pool may look for on a connection.
var abilities = map[string]reflect.Type{
	"ConnPrepareContext": reflect.TypeFor[driver.ConnPrepareContext](),
	"ConnBeginTx":        reflect.TypeFor[driver.ConnBeginTx](),
	"ExecerContext":      reflect.TypeFor[driver.ExecerContext](),
	"QueryerContext":     reflect.TypeFor[driver.QueryerContext](),
	"Execer":             reflect.TypeFor[driver.Execer](),  // a poor driver has it
	"Queryer":            reflect.TypeFor[driver.Queryer](), // a poor driver has it
	"Pinger":             reflect.TypeFor[driver.Pinger](),
	"SessionResetter":    reflect.TypeFor[driver.SessionResetter](),
	"Validator":          reflect.TypeFor[driver.Validator](),
	"NamedValueChecker":  reflect.TypeFor[driver.NamedValueChecker](),
	"Alive":              reflect.TypeFor[interface{ Alive() error }](),
	"TxStatus":           reflect.TypeFor[interface{ TxStatus() byte }](),
	"Sent":               reflect.TypeFor[interface{ Sent() uint64 }](),
	"Abort":              reflect.TypeFor[interface{ Abort() error }](),
	"Raw":                reflect.TypeFor[interface{ Raw() driver.Conn }](),
	"StatementStale":     reflect.TypeFor[interface{ StatementStale(error) bool }](),
	"CacheQueries":       reflect.TypeFor[interface{ CacheQueries() bool }](),
}

func TestShapesHaveExactlyTheirAbilities(t *testing.T) {
	own := []string{"Alive", "TxStatus", "Sent", "Abort", "Raw", "CacheQueries", "StatementStale"}
	std := []string{
		"ConnPrepareContext", "ConnBeginTx", "ExecerContext", "QueryerContext", "Pinger", "SessionResetter", "Validator",
		"NamedValueChecker",
	}
	but := func(names []string, drop ...string) (kept []string) {
		for _, n := range names {
			found := false
			for _, d := range drop {
				found = found || d == n
			}
			if !found {
				kept = append(kept, n)
			}
		}
		return kept
	}
	full := append(but(std), own...)
	for _, tt := range []struct {
		name  string
		shape fakedb.Shape
		has   []string
	}{
		{"Full", fakedb.Full, full},
		{"Std", fakedb.Std, std},
		{"NoAlive", fakedb.NoAlive, but(full, "Alive", "Raw")},
		{"NoTxStatus", fakedb.NoTxStatus, but(full, "TxStatus", "Raw")},
		{"NoSent", fakedb.NoSent, but(full, "Sent", "Raw")},
		{"NoAbort", fakedb.NoAbort, but(full, "Abort", "Raw")},
		{"Skipper", fakedb.Skipper, std},
		{"StmtChecker", fakedb.StmtChecker, std},
		{"Converter", fakedb.Converter, but(std, "ExecerContext", "QueryerContext", "NamedValueChecker")},
		{"Minimal", fakedb.Minimal, nil},
		{"Legacy", fakedb.Legacy, []string{"Execer", "Queryer"}},
	} {
		want := make(map[string]bool)
		for _, n := range tt.has {
			want[n] = true
		}
		got := reflect.TypeOf(tt.shape(connect(t, fakedb.New())))
		for name, ability := range abilities {
			if got.Implements(ability) != want[name] {
				t.Errorf("%s: %s: %t, want %t", tt.name, name, !want[name], want[name])
			}
		}
	}
}

func TestShapesConvertArgumentsTheirWay(t *testing.T) {
	for _, tt := range []struct {
		name  string
		shape fakedb.Shape
		args  []any
		token string // what the ledger then holds
		path  fakedb.Counts
	}{
		{"Full", fakedb.Full, []any{fakedb.Remove{}, "x"}, "x", fakedb.Counts{Execs: 1}},
		{"Std", fakedb.Std, []any{fakedb.Remove{}, "x"}, "x", fakedb.Counts{Execs: 1}},
		{"Skipper", fakedb.Skipper, []any{fakedb.Remove{}, "x"}, "x", fakedb.Counts{Prepares: 1, StmtExecs: 1}},
		{"Converter", fakedb.Converter, []any{"x"}, "column:x", fakedb.Counts{Prepares: 1, StmtExecs: 1}},
		{"Minimal", fakedb.Minimal, []any{"x"}, "x", fakedb.Counts{Prepares: 1, StmtExecs: 1}},
		{"Legacy", fakedb.Legacy, []any{"x"}, "x", fakedb.Counts{Execs: 1}},
	} {
		db := fakedb.New()
		pool := sql.OpenDB(db.ConnectorAs(tt.shape))
		if _, err := pool.Exec("INSERT ?", tt.args...); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		n := db.Counts()
		got := fakedb.Counts{Execs: n.Execs, Prepares: n.Prepares, StmtExecs: n.StmtExecs}
		if db.Written(tt.token) != 1 || len(db.Ledger()) != 1 || got != tt.path {
			t.Errorf("%s: ledger %v, %+v", tt.name, db.Ledger(), got)
		}
		pool.Close()
		clean(t, db)
	}
}

func TestStatementCheckerGoesBeforeTheConnections(t *testing.T) {
	db := fakedb.New()
	pool := sql.OpenDB(db.ConnectorAs(fakedb.StmtChecker))
	defer pool.Close()
	stmt, err := pool.Prepare("INSERT ?")
	is(t, err, nil)
	defer stmt.Close()
	_, err = stmt.Exec("x", fakedb.Remove{})
	is(t, err, nil)
	if db.Written("stmt:x") != 1 {
		t.Errorf("ledger %v", db.Ledger())
	}
}
