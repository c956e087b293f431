package debugui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestStatementsLoseTheirConstants(t *testing.T) {
	u := New(Config{})
	for in, want := range map[string]string{
		"SELECT id FROM t WHERE a = $1 AND b = $2":          "SELECT id FROM t WHERE a = $1 AND b = $2",
		"SELECT 'x', 1, 2.5, .5, 1e9, 0x1F, -3":             "SELECT ?, ?, ?, ?, ?, ?, -?",
		"SELECT t1.c2 FROM t1 LIMIT 10":                     "SELECT t1.c2 FROM t1 LIMIT ?",
		"SELECT 'it''s', E'it\\'s', N'x', B'1', U&'x'":      "SELECT ?, ?, ?, ?, U&?",
		"SELECT $$x$$, $a$ $$ $a$, $1":                      "SELECT ?, ?, $1",
		`SELECT "odd 'name'", 'v'`:                          `SELECT "odd 'name'", ?`,
		"SELECT 1 -- don't\n, 'v'":                          "SELECT ? , ?",
		"SELECT /* don't /* nest */ 'x' */ 'v'":             "SELECT ?",
		"-- name: GetUser :one\nSELECT a\n\n\tFROM t":       "/* GetUser */ SELECT a FROM t",
		"/* name: GetUser */ SELECT 1":                      "/* GetUser */ SELECT ?",
		"SELECT 'a\\' OR 'secret'":                          "SELECT …",
		"SELECT 'never ends":                                "SELECT …",
		"SELECT $x$ never ends $y$":                         "SELECT …",
		"SELECT \"never ends":                               "SELECT …",
		"SELECT /* never ends":                              "SELECT …",
		"SELECT größe FROM t WHERE a=1 AND b='ü'":           "SELECT größe FROM t WHERE a=? AND b=?",
		"SELECT a->'k', b#>>'{a,1}', c::jsonb @> '{\"x\"}'": "SELECT a->?, b#>>?, c::jsonb @> ?",
		"": "",
	} {
		if got := u.statement(in); got != want {
			t.Errorf("%q\n got  %q\n want %q", in, got, want)
		}
	}
	if got := New(Config{HideStatements: true}).statement("SELECT 1"); got != "" {
		t.Errorf("hidden: %q", got)
	}
}

// Whatever stands between quotes or as a number is gone, however the statement
// is cut.
func FuzzStatement(f *testing.F) {
	for _, s := range []string{"SELECT 'a' -- b\n, 1", "E'\\'", "$a$b$a$", "/*/**/*/", "\"x\"'y'", "1.5e3.2", "\x00\xff'"} {
		f.Add(s)
	}
	u := New(Config{})
	f.Fuzz(func(t *testing.T, text string) {
		if out := u.statement("SELECT '" + strings.NewReplacer("'", "''", `\`, "").Replace(text) + "zzqqzz'"); out != "SELECT ?" {
			t.Errorf("%q: %q", text, out)
		}
		if out := u.statement(text); strings.ContainsAny(out, "\n\t\x00") || len([]rune(out)) > 1001 {
			t.Errorf("%q: %q", text, out)
		}
	})
}

func TestErrorsKeepWhatHelps(t *testing.T) {
	u := New(Config{Redact: func(s string) string { return strings.ReplaceAll(s, "tenant-7", "tenant") }})
	for in, want := range map[string]string{
		"dial tcp 127.0.0.1:5432: connect: connection refused":               "dial tcp 127.0.0.1:5432: connect: connection refused",
		`password authentication failed for user "app" (SQLSTATE 28P01)`:     `password authentication failed for user "app" (SQLSTATE 28P01)`,
		`database "orders" does not exist`:                                   `database "orders" does not exist`,
		"failed to connect to `user=app database=orders`: EOF":               "failed to connect to `user=app database=orders`: EOF",
		"sqlpool: OnOpen panicked: something secret":                         "sqlpool: OnOpen panicked",
		"line one\n\tline two\x1b[31m":                                       "line one  line two[31m",
		"tenant-7 is full":                                                   "tenant is full",
		"cannot reach postgres://app:pw@db:5432/x":                           "cannot reach postgres://…@db:5432/x",
		"sslpassword=abc rejected":                                           "sslpassword=… rejected",
		`ERROR: duplicate key value violates "t_pkey": Key (a)=("b") exists`: `ERROR: duplicate key value violates “…”: Key (a)=(“…”) exists`,
	} {
		if got := u.redact(in); got != want {
			t.Errorf("%q\n got  %q\n want %q", in, got, want)
		}
	}
	if got := u.redact(strings.Repeat("ü", 5000)); len([]rune(got)) != longest+1 {
		t.Errorf("%d runes", len([]rune(got)))
	}
}

func TestTheCauseOfACloseIsInOurOwnWords(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{&sqlpool.Reason{Code: "broken", Err: fmt.Errorf("read: %w", syscall.ECONNRESET)}, "connection reset by peer"},
		{fmt.Errorf("x: %w", io.EOF), "the server ended the connection"},
		{context.DeadlineExceeded, "no answer in time"},
		{context.Canceled, "a caller gave up"},
		{errors.New("anything"), ""},
	} {
		if got := cause(test.err); got != test.want {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
	}
}

func TestEventsOfOneCauseAreOne(t *testing.T) {
	var l timeline
	start := time.Now()
	for i := range 5000 {
		l.add(event{At: start.Add(time.Duration(i) * time.Second), Kind: KindDialFailed, Text: fmt.Sprint("refused at port ", i)})
	}
	l.add(event{At: start.Add(5000 * time.Second), Kind: KindState, Text: "down → up", alone: true})
	l.add(event{At: start.Add(5000 * time.Second), Kind: KindState, Text: "down → up", alone: true})
	l.add(event{At: start.Add(5020 * time.Second), Kind: KindDialFailed, Text: "refused at port 1"}) // another outage
	if len(l.list) != 4 || l.list[0].Count != 5000 || l.list[3].Count != 1 {
		t.Errorf("%+v", l.list)
	}
	for i := range 3 * mostEvents {
		l.add(event{At: start, Kind: KindOpened, Text: fmt.Sprint(i), alone: true})
	}
	if len(l.list) != mostEvents {
		t.Errorf("%d events are kept", len(l.list))
	}
}

// BenchmarkLoan is what a loan costs with and without the page's hooks.
func BenchmarkLoan(b *testing.B) {
	idle := sqlpool.Hooks{OnAcquire: func(sqlpool.Acquired) {}, OnRelease: func(sqlpool.Released) {}}
	for _, bench := range []struct {
		name  string
		hooks []sqlpool.Hooks
	}{{"none", nil}, {"hooks that do nothing", []sqlpool.Hooks{idle}}, {"debugui", []sqlpool.Hooks{New(Config{}).Hooks()}}} {
		b.Run(bench.name, func(b *testing.B) {
			p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.Instant(), Hooks: bench.hooks})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = p.Close() }()
			b.ReportAllocs()
			for b.Loop() {
				loan, err := p.Acquire(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				_ = loan.Release()
			}
		})
	}
}

// A number that may be another session's by now comes without the statement that ends a session.
func TestASuspectSessionIsNotEndedByItsNumber(t *testing.T) {
	if got := (Holder{PID: 7}).end(); !strings.Contains(got, "If the server still has its session, SELECT pg_terminate_backend(7)") {
		t.Error(got)
	}
	if got := (Holder{PID: 7, Broken: "EOF"}).end(); strings.Contains(got, "pg_terminate_backend") || !strings.Contains(got, "broken (EOF): only the goroutine") ||
		!strings.Contains(got, "pg_stat_activity") {
		t.Error(got)
	}
	if got := (Holder{PID: 7, Suspect: true}).end(); strings.Contains(got, "pg_terminate_backend") || !strings.Contains(got, "pg_stat_activity") {
		t.Error(got)
	}
}
