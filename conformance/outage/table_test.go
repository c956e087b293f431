//go:build unix

package outage

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/conformance/outage/ledger"
)

// Callers arrive at their pace whatever becomes of those before them, each once.
func TestCallersArriveAtTheirPace(t *testing.T) {
	for _, tt := range []struct {
		part     float64
		want     int
		possible int
	}{{0.85, 340, 340}, {2, 800, 400}} {
		synctest.Test(t, func(t *testing.T) {
			stage := arrive(tt.part, 4, 2*time.Second)
			var mu sync.Mutex
			came := map[int]int{}
			load := stage.Load
			load.Book = new(ledger.Book)
			load.Write = func(ctx context.Context, _ int64, caller int) error {
				mu.Lock()
				came[caller]++
				mu.Unlock()
				<-ctx.Done() // none is served
				return ctx.Err()
			}
			run := load.Start(t.Context())
			time.Sleep(stage.Lasts - time.Millisecond)
			tries, stuck, _ := run.Stop(time.Minute)
			if len(came) != tt.want || len(tries) != tt.want || stuck > 0 || stage.Possible != tt.possible {
				t.Errorf("at %v %d callers came, %d calls returned, %d possible; want %d and %d", tt.part, len(came), len(tries), stage.Possible, tt.want, tt.possible)
			}
			for caller, n := range came {
				if n != 1 {
					t.Errorf("caller %d came %d times", caller, n)
				}
			}
		})
	}
}

// The page has each fault in the columns that fit it, and a shortage's failures are
// not added to those of outages.
func TestThePageTellsShortagesFromOutages(t *testing.T) {
	r := Report{Machine: "Measured", Took: "1s", Figures: []Figures{
		{Fault: "restart", Driver: "pgx", Pool: "sqlpool", Statements: 100, Errors: 2, FirstSuccess: 3, FullService: 7, Dials: 11, PeakConns: 10},
		{Fault: "overload", Driver: "pgx", Pool: "sqlpool", Statements: 680, Errors: 17, Possible: 680, Dials: 2},
		{Fault: "restart", Driver: "libpq", Pool: "database/sql", Statements: 100, Errors: 5, FirstSuccess: -1, FullService: -1, Doubled: 1},
	}}
	var page strings.Builder
	if err := r.Table(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"## All faults together\n\n" + totalColumns + "\n|---|---|---:",
		"| pgx | **sqlpool** | 2 | 7 ms | – | < 1 ms | 98 % | 13 | – | – | – |\n",
		"| lib/pq | plain | 5 | < 1 ms | **1** | < 1 ms | – | 0 | **1** | – | – |\n",
		"## Restart\n\nPostgreSQL is restarted in immediate mode under load.\n\n" + outageColumns + "\n",
		"| pgx | **sqlpool** | 2 of 100 | 3 ms | 7 ms | – | 11 | 10 | – | – | – | – | < 1 ms |\n",
		"## Overload\n\n",
		shortageColumns + "\n|---|---|---:|",
		"| pgx | **sqlpool** | 663 of 680 | 98 % | 17 of 680 | – | 2 | – | – | – | – | < 1 ms |\n",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	lines := strings.Split(page.String(), "\n")
	for i, line := range lines {
		if i > 0 && strings.HasPrefix(line, "|") && strings.HasPrefix(lines[i-1], "|") && strings.Count(line, "|") != strings.Count(lines[i-1], "|") {
			t.Errorf("a row with other columns than the one above it: %s", line)
		}
	}
	if t.Failed() {
		t.Log(page.String())
	}
}
