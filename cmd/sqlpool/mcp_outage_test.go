package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sqlpool/go/internal/pgserver"
)

// The server may be down when the assistant begins, come, die and come again: it is told each time, in the terms of the
// pool, and nothing has to be started anew.
func TestMCPThroughOutages(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	database := server.NewDatabase(t)
	dsn := readerRole(t, server, database)
	for _, driver := range []string{"pgx", "pq"} {
		t.Run(driver, func(t *testing.T) {
			if err := server.Stop(t.Context(), pgserver.Fast); err != nil {
				t.Fatal(err)
			}
			a := serve(t, dsn+"&pool_fail_fast_after=1s", "--driver", driver, "--timeout", "3s")
			a.until("unhealthy")
			a.refused("unavailable")
			if h := a.health(); len(h.Reasons) == 0 || !strings.Contains(h.LastError, "refused") || h.Statistics.DialErrorCount == 0 {
				t.Errorf("health while the server is down: %+v", h)
			}

			if err := server.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			a.until("healthy")
			if found := a.ask("SELECT count(*) FROM orders"); found.Error != nil || found.Rows[0][0] != 50.0 {
				t.Errorf("got %+v", found.Error)
			}

			if err := server.Stop(t.Context(), pgserver.Immediate); err != nil {
				t.Fatal(err)
			}
			if driver == "pgx" { // otherwise the pool sees by itself what happened
				a.refused("unavailable", "timeout", "acquire_timeout", "connection_lost") // depends on how soon
			}
			a.until("unhealthy")
			a.refused("unavailable", "timeout", "acquire_timeout")
			var statistics poolStatistics
			if a.call("pool_statistics", nil, &statistics); statistics.State == "up" || statistics.LastError == "" {
				t.Errorf("statistics while the server is down: %+v", statistics)
			}

			if err := server.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			a.until("healthy")
			if found := a.ask("SELECT 1"); found.Error != nil {
				t.Errorf("got %+v", found.Error)
			}
			a.leave()
			if strings.Contains(a.stdout.String()+a.stderr.String(), "hunter2") {
				t.Error("the password is shown")
			}
		})
	}
}

// refused asks while the server is down.
func (a *assistant) refused(kinds ...string) {
	a.t.Helper()
	found := a.ask("SELECT 1")
	if found.Error == nil || found.Error.Code != codeDatabase || !strings.Contains(strings.Join(kinds, " "), found.Error.Kind) {
		a.t.Errorf("got %+v, want one of %q", found.Error, kinds)
	}
	if found.Pool == nil || found.Pool.MaxConns != 10 || found.Pool.CreatedAt.IsZero() {
		a.t.Errorf("the error comes without the pool's statistics: %+v", found.Pool)
	}
}

// Who subscribes needs not ask again and again.
func TestMCPTellsSubscribersOfAChange(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	a := serve(t, readerRole(t, server, server.NewDatabase(t))+"&pool_fail_fast_after=1s")
	a.until("healthy")
	if onlyHealth("health://another-pool") == nil { // clients of the newest protocol do not wait for the answer
		t.Error("a subscription to what there is not is accepted")
	}
	if err := a.Subscribe(t.Context(), &sdk.SubscribeParams{URI: healthURI}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		do     func() error
		status string
	}{
		{func() error { return server.Stop(t.Context(), pgserver.Immediate) }, "unhealthy"},
		{func() error { return server.Start(t.Context()) }, "healthy"},
	} {
		for len(a.updated) > 0 { // of what went before
			<-a.updated
		}
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		limit := time.After(time.Minute)
		for a.health().Status != c.status {
			select {
			case uri := <-a.updated:
				if uri != healthURI {
					t.Errorf("told of %q", uri)
				}
			case <-limit:
				t.Fatalf("never told of being %s", c.status)
			}
		}
	}
	a.leave()
}

// A client that leaves while a query runs leaves nothing behind on the server; a signal is as good as leaving.
func TestMCPEnds(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	database := server.NewDatabase(t)
	dsn := readerRole(t, server, database)
	for name, end := range map[string]func(*assistant){
		"the client leaves": func(a *assistant) { _ = a.stdin.Close() },
		"SIGTERM":           func(a *assistant) { _ = a.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, dsn)
			go func() {
				_, _ = a.CallTool(t.Context(), &sdk.CallToolParams{Name: "query", Arguments: question{SQL: "SELECT pg_sleep(60)"}})
			}()
			var found holders
			for limit := time.Now().Add(time.Minute); len(found.Holders) == 0; {
				if a.call("pool_holders", nil, &found); time.Now().After(limit) {
					t.Fatal("the query was never seen")
				}
			}
			began := time.Now()
			end(a)
			a.leave()
			if took := time.Since(began); took > 15*time.Second { // --timeout is 10 s
				t.Errorf("it took %v to end", took)
			}
			if !strings.Contains(a.stderr.String(), "pool closed") {
				t.Error("the pool was not shut down")
			}
			if left, err := server.Activity(t.Context(), pgserver.Filter{Database: database}); err != nil || len(left) > 0 {
				t.Errorf("left on the server: %+v (%v)", left, err)
			}
		})
	}
}

// Two settings that cannot be used are a mistake of the command line, both of them said, no password shown.
func TestMCPRefusesWrongSettings(t *testing.T) {
	status, stdout, stderr := start(t, nil, "mcp", "--dsn", "postgres://me:hunter2@h/db?pool_max_conns=0", "--max-rows", "0", "--timeout", "0s")
	for _, want := range []string{"pool_max_conns", "--max-rows is 0", "--timeout is 0s"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in %q", want, stderr)
		}
	}
	if status != exitUsage || stdout != "" || strings.Contains(stderr, "hunter2") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}
