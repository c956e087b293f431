package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/bench"
	"github.com/sqlpool/go/internal/pgserver"
)

func TestBench(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{MaxConnections: 40})
	database := server.NewDatabase(t)
	status, stdout, stderr := start(t, nil, "bench", "--duration", "300ms", "--goroutines", "8", "--json", "--dsn", server.DSN(database))
	if status != exitOK {
		t.Fatalf("status %d: %s", status, stderr)
	}
	var result benchResult
	decoder := json.NewDecoder(strings.NewReader(stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&result); err != nil {
		t.Fatalf("%v in %q", err, stdout)
	}
	if !result.OK || result.Error != "" || result.Server.Private || len(result.Drivers) != 2 {
		t.Errorf("got %s", stdout)
	}
	for i, d := range result.Drivers {
		if d.Driver != allDrivers[i].name || len(d.Figures) != len(bench.ServerOps)*2*3 || d.Alone <= 0 || d.Advice.MaxConns < 1 || len(d.Advice.Why) < 2 {
			t.Errorf("driver %d: %+v", i, d)
		}
		if n := len(d.Sizes); n != 5 { // 1, 2, 4, 8 and 16 of some 35
			t.Errorf("%d sizes on a server of 40 connections: %+v", n, d.Sizes)
		}
	}
	left, err := server.In(database).Query(t.Context(), "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'sqlpool%'")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if !strings.Contains(stderr, " left") {
		t.Errorf("no progress is told: %q", stderr)
	}
}

func TestBenchPrintsTheReasoning(t *testing.T) {
	status, stdout, stderr := start(t, nil, "bench", "--duration", "200ms", "--driver", "pq", "--rate", "100", "--held", "10ms")
	if status != exitOK {
		t.Fatalf("status %d: %s", status, stderr)
	}
	for _, want := range []string{"throughput", "*sql.Stmt, 32 goroutines", "per second", "Little's law: at 100 a second", "lib/pq: a pool of 3 connections"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in:\n%s", want, stdout)
		}
	}
}

func TestAdviceOnASize(t *testing.T) {
	grows := []bench.Size{{Conns: 1, Throughput: 100}, {Conns: 2, Throughput: 200}, {Conns: 4, Throughput: 390}, {Conns: 8, Throughput: 400}, {Conns: 16, Throughput: 300}}
	big := room{limit: 100, reserved: 3}
	for _, tt := range []struct {
		name string
		verb benchVerb
		room room
		want int
		why  string
	}{
		{"where more stop to help", benchVerb{Processes: 1}, big, 4, "With 4 connections the server does 390"},
		{"the program's own load: 2 busy, and 2 roots", benchVerb{Processes: 1, Rate: 200, Held: 10 * time.Millisecond}, big, 5, "2.0 are busy on average"},
		{"long holds that the server does not work for", benchVerb{Processes: 1, Rate: 1000, Held: 25 * time.Millisecond}, big, 35, "25.0 are busy"},
		{"more than the server has a use for", benchVerb{Processes: 1, Rate: 10_000}, big, 4, "no use for more than 4"},
		{"shared", benchVerb{Processes: 3}, big, 2, "3 processes share that: 2 for each"},
		{"less room than that", benchVerb{Processes: 10, Rate: 1000, Held: 250 * time.Millisecond}, big, 9, "leaves 9 for each"},
		{"the server's cores", benchVerb{Processes: 1, Cores: 8}, big, 4, "2 × 8 + 1 = 17"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.verb.advise(&benchDriver{Sizes: grows, Alone: 10}, tt.room, false)
			if got.MaxConns != tt.want || !strings.Contains(strings.Join(got.Why, "\n"), tt.why) {
				t.Errorf("%d, because:\n%s", got.MaxConns, strings.Join(got.Why, "\n"))
			}
		})
	}
}

func TestBenchRefusesWhatMakesNoSense(t *testing.T) {
	status, _, stderr := start(t, nil, "bench", "--duration", "0s", "--processes", "0", "--rate=-1")
	for _, want := range []string{"--duration is 0: it must be at least 0.1", "--rate is -1", "--processes is 0"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in %q", want, stderr)
		}
	}
	if status != exitUsage {
		t.Errorf("status %d", status)
	}
}
