package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/internal/pgserver"
)

// With --keep the page outlives the report, on a pool at work, until it is interrupted.
func TestThePageStays(t *testing.T) {
	dsn := pgserver.Database(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	said, stderr := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, &console{stdout: &out, stderr: stderr}, []string{
			"demo", "--dsn", dsn, "--driver", "pgx", "--duration", "100ms", "--max-conns", "3", "--keep",
		})
		_ = stderr.Close()
	}()
	var first, stays string
	lines := bufio.NewScanner(said)
	for stays == "" && lines.Scan() {
		switch what, url, _ := strings.Cut(lines.Text(), ": "); what {
		case "the pool, live":
			first = url
		case "the page stays until you interrupt":
			stays = url
		}
	}
	go func() { _, _ = io.Copy(io.Discard, said) }()
	if stays == "" || first != stays || !strings.HasPrefix(stays, "http://127.0.0.1:") {
		t.Fatalf("the page is at %q, then at %q", first, stays)
	}
	if !strings.Contains(out.String(), "no money was lost or made") {
		t.Error("the report comes after the page")
	}
	var view debugui.View
	response, err := http.Get(stays + "?format=json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&view); err != nil || view.Pool != "demo-pgx" || view.Gauges.MaxConns != 3 || !view.Controls {
		t.Errorf("the page: %+v, %v", view, err)
	}
	cancel()
	if status := <-ended; status != exitOK {
		t.Errorf("status %d", status)
	}
	unchanged(t, dsn)
}
