package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sqlpool/go/internal/pgserver"
)

// ^C in the middle of the work is one exit status and one word, whatever the verb does.
func TestAnInterruptIsOneExitStatus(t *testing.T) {
	dsn := pgserver.Database(t)
	asked := make(chan bool, 10)
	page := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- true
		<-r.Context().Done()
	}))
	defer page.Close()
	silent := listen(t, nil)
	for _, args := range []string{
		"demo --driver pgx --duration 1h --dsn " + dsn,
		"bench --driver pgx --duration 1h --dsn " + dsn,
		"conform --driver pgx --dsn " + dsn,
		"soak --driver pgx --duration 1h",
		"check --driver pgx postgres://me:hunter2@127.0.0.1:" + silent + "/db?sslmode=disable&pool_connect_timeout=1h",
		"watch --once " + page.URL,
		"demo --json --driver pgx --duration 1h --dsn " + dsn,
	} {
		verb, _, _ := strings.Cut(args, " ")
		ctx, cancel := context.WithCancel(t.Context())
		var stdout, stderr bytes.Buffer
		c := &console{stdout: &stdout, stderr: writerFunc(func(p []byte) (int, error) {
			if !bytes.Contains(p, []byte("the pool, live")) {
				cancel() // at the first line of progress
			}
			return stderr.Write(p)
		})}
		if verb == "watch" { // which has none
			go func() { <-asked; cancel() }()
		}
		status := run(ctx, c, strings.Fields(args))
		if status != exitInterrupted || !strings.HasSuffix(stderr.String(), "sqlpool "+verb+": interrupted\n") {
			t.Errorf("%s: status %d, standard error:\n%s", args, status, &stderr)
		}
		if strings.Contains(stdout.String()+stderr.String(), "context canceled") {
			t.Errorf("%s says it in other words:\n%s%s", args, &stdout, &stderr)
		}
		cancel()
	}
	unchanged(t, dsn)
}
