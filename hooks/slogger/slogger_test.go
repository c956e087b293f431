package slogger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/slogger"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// record is one line of the log.
type record map[string]any

// lines parses what a JSON handler wrote.
func lines(t *testing.T, b *bytes.Buffer) []record {
	t.Helper()
	var all []record
	for line := range strings.Lines(b.String()) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// run drives a pool in a bubble, logging everything from level on.
func run(t *testing.T, level slog.Level, o slogger.Options, cfg sqlpool.Config, drive func(*sqlpool.Pool, *fakedb.DB)) []record {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: level}))
		cfg.Connector, cfg.Name = db.Connector(), "orders"
		cfg.Hooks = []sqlpool.Hooks{o.Hooks(logger)}
		p, err := sqlpool.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		drive(p, db)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return lines(t, &out)
}

func only(all []record, msg string) []record {
	var some []record
	for _, r := range all {
		if r["msg"] == msg {
			some = append(some, r)
		}
	}
	return some
}

func TestALifeIsLoggedFieldByField(t *testing.T) {
	all := run(t, slog.LevelDebug, slogger.Options{Statements: true}, sqlpool.Config{}, func(p *sqlpool.Pool, _ *fakedb.DB) {
		db := sqlpool.OpenDB(p)
		defer db.Close()
		if _, err := db.Exec("INSERT ?", "secret argument"); err != nil {
			t.Fatal(err)
		}
	})
	for msg, fields := range map[string]string{
		slogger.MsgOpened:   "pool conn took_ms",
		slogger.MsgAcquired: "pool conn waited_ms",
		slogger.MsgReleased: "pool conn held_ms statement",
		slogger.MsgClosed:   "pool conn reason error age_ms took_ms uses suppressed statement",
		slogger.MsgState:    "pool from to",
	} {
		some := only(all, msg)
		if len(some) == 0 {
			t.Errorf("no %q", msg)
			continue
		}
		want := strings.Fields("time level msg " + fields)
		for _, field := range want {
			if _, ok := some[0][field]; !ok {
				t.Errorf("%q lacks %q: %v", msg, field, some[0])
			}
		}
		if len(some[0]) != len(want) {
			t.Errorf("%q has fields that are not documented: %v", msg, some[0])
		}
	}
	for _, r := range all {
		for _, v := range r {
			if s, ok := v.(string); ok && strings.Contains(s, "secret") {
				t.Errorf("an argument in the log: %v", r)
			}
		}
	}
}

func TestARepeatedFailureIsLoggedOnceInAWhile(t *testing.T) {
	failed := run(t, slog.LevelInfo, slogger.Options{Every: time.Minute},
		sqlpool.Config{MinIdle: 1, Backoff: sqlpool.Backoff{First: time.Second, Max: time.Second, NoJitter: true}},
		func(p *sqlpool.Pool, db *fakedb.DB) {
			synctest.Wait()
			db.SetDown(nil)
			db.KillAll()
			time.Sleep(time.Second)
			if _, err := p.Acquire(context.Background()); !errors.Is(err, sqlpool.ErrUnavailable) {
				t.Error(err)
			}
			time.Sleep(2 * time.Minute)
		})
	n := only(failed, slogger.MsgOpenFailed)
	if len(n) != 3 {
		t.Fatalf("%d lines in some two minutes, want one a minute: %v", len(n), n)
	}
	if n[0]["suppressed"] != 0.0 || n[1]["suppressed"].(float64) < 50 || n[1]["error"] != fakedb.ErrDown.Error() {
		t.Errorf("%v", n)
	}
	states := only(failed, slogger.MsgState)
	if states[len(states)-1]["to"] != "closed" {
		t.Errorf("states %v", states)
	}
}

func TestAQuietLevelLogsNoLoans(t *testing.T) {
	all := run(t, slog.LevelInfo, slogger.Options{}, sqlpool.Config{}, func(p *sqlpool.Pool, _ *fakedb.DB) {
		loan, err := p.Acquire(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		loan.Release()
	})
	for _, r := range all {
		if r["msg"] != slogger.MsgState {
			t.Errorf("logged %v", r)
		}
	}
}

func TestNothingIsWrittenToStandardOutputOrError(t *testing.T) {
	outR, outW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	oldOut, oldErr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = outW, outW
	run(t, slog.LevelDebug, slogger.Options{Every: -1}, sqlpool.Config{MinIdle: 1}, func(p *sqlpool.Pool, db *fakedb.DB) {
		synctest.Wait()
		db.KillAll()
		db.SetDown(nil)
		time.Sleep(time.Second)
		p.Acquire(context.Background())
	})
	os.Stdout, os.Stderr = oldOut, oldErr
	outW.Close()
	var got bytes.Buffer
	got.ReadFrom(outR)
	if got.Len() > 0 {
		t.Errorf("written: %q", got.String())
	}
}

type traceKey struct{}

// traced is a handler that adds what it finds in the context.
type traced struct{ slog.Handler }

func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if id := ctx.Value(traceKey{}); id != nil {
		r.AddAttrs(slog.Any("trace", id))
	}
	return h.Handler.Handle(ctx, r)
}

func TestASlowStatementIsLoggedWithItsCallersContext(t *testing.T) {
	for _, hide := range []bool{false, true} {
		var out bytes.Buffer
		synctest.Test(t, func(t *testing.T) {
			server := fakedb.New()
			server.On(fakedb.Exec, fakedb.Fault{Text: "INSERT slow", Delay: 2 * time.Second})
			server.On(fakedb.Exec, fakedb.Fault{Text: "INSERT fast", Delay: 2*time.Second - 1})
			logger := slog.New(traced{slog.NewJSONHandler(&out, nil)})
			p, err := sqlpool.New(sqlpool.Config{
				Connector: server.Connector(), Name: "orders",
				Hooks: []sqlpool.Hooks{slogger.Options{Slow: 2 * time.Second, HideStatements: hide}.Hooks(logger)},
			})
			if err != nil {
				t.Fatal(err)
			}
			db := sqlpool.OpenDB(p)
			defer db.Close()
			ctx := context.WithValue(t.Context(), traceKey{}, "4bf92f")
			for _, text := range []string{"INSERT slow", "INSERT fast", "INSERT slow", "INSERT slow"} {
				if _, err := db.ExecContext(ctx, text); err != nil {
					t.Fatal(err)
				}
			}
			rows, err := db.QueryContext(ctx, "SELECT 3")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Second)
			_ = rows.Close()
			time.Sleep(time.Minute)
			if _, err := db.ExecContext(ctx, "INSERT slow"); err != nil {
				t.Fatal(err)
			}
		})
		slow := only(lines(t, &out), slogger.MsgSlow)
		if len(slow) != 3 {
			t.Fatalf("%d records: %v", len(slow), slow)
		}
		for i, want := range []record{
			{"op": "exec", "took_ms": 2000., "answered_ms": 2000., "suppressed": 0., "statement": "INSERT slow"},
			{"op": "query", "took_ms": 3000., "answered_ms": 0., "suppressed": 0., "statement": "SELECT 3"},
			{"op": "exec", "took_ms": 2000., "answered_ms": 2000., "suppressed": 2., "statement": "INSERT slow"},
		} {
			want["trace"], want["pool"], want["level"], want["conn"] = "4bf92f", "orders", "WARN", 1.
			if hide {
				delete(want, "statement")
				if text, ok := slow[i]["statement"]; ok {
					t.Errorf("the text %q is shown", text)
				}
			}
			for key, value := range want {
				if slow[i][key] != value {
					t.Errorf("record %d: %s is %v, want %v", i, key, slow[i][key], value)
				}
			}
		}
	}
}

func TestTheHooksServeOnePool(t *testing.T) {
	hooks := slogger.Hooks(slog.New(slog.DiscardHandler))
	open := func() *sqlpool.Pool {
		p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector(), Hooks: []sqlpool.Hooks{hooks}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	defer open().Close()
	defer func() {
		if p := recover(); !strings.HasPrefix(fmt.Sprint(p), "slogger: ") {
			t.Errorf("a second pool: %v", p)
		}
	}()
	open().Close()
}
