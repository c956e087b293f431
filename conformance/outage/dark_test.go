//go:build unix

package outage

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

const overrun = 50 * time.Millisecond // of a deadline, at most

// The network swallows ten idle connections. Fifty callers with 500 ms each are
// all served again within a second, after one error each at most; and so is a
// single one, who does not meet each of the ten in turn.
func TestABlackHoleOfIdleConnections(t *testing.T) {
	for _, callers := range []int{1, 5, 50} {
		t.Run(fmt.Sprint(callers, " callers"), func(t *testing.T) {
			onEach(t, pgserver.Options{}, throughTap, sqlpool.Config{}, func(l *lab) { meetTheBlackHole(l, callers) })
		})
	}
}

func meetTheBlackHole(l *lab, callers int) {
	l.fill()
	if n := l.scene.Tap.Darken(); n != MaxConns {
		l.Fatalf("%d connections were open, want %d", n, MaxConns)
	}
	begun := time.Now()
	run := l.load(callers, 0, deadline)
	l.steady(run, 5)
	tries := l.stop(run)
	f := l.figures(tries, begun, begun, callers)
	l.within("full service", f.FullService, time.Second)
	l.within("overrun", f.WorstOverrun, overrun)
	errs := make([]int, callers)
	for _, try := range tries {
		if try.Err != nil {
			errs[try.Caller]++
		}
	}
	for caller, n := range errs {
		if n > 1 {
			l.misses.add("caller %d had %d errors", caller, n) // a second deadline passed
		}
	}
	l.scene.Tap.Lighten()
	l.audited()
	l.emptied()
}

// In the dark, pings, queries, transactions and acquires keep their deadlines.
func TestEveryCallKeepsItsDeadlineInTheDark(t *testing.T) {
	calls := map[string]func(ctx context.Context, l *lab) error{
		"ping": func(ctx context.Context, l *lab) error { return l.db.PingContext(ctx) },
		"query": func(ctx context.Context, l *lab) error {
			var n int
			return l.db.QueryRowContext(ctx, "SELECT $1::int", 7).Scan(&n)
		},
		"begin": func(ctx context.Context, l *lab) error {
			tx, err := l.db.BeginTx(ctx, nil)
			if err == nil {
				_, err = tx.ExecContext(ctx, "SELECT 9") // with which BEGIN is sent
				tx.Rollback()
			}
			return err
		},
		"prepare": func(ctx context.Context, l *lab) error {
			stmt, err := l.db.PrepareContext(ctx, "SELECT 8")
			if err == nil {
				stmt.Close()
			}
			return err
		},
		"acquire": func(ctx context.Context, l *lab) error {
			loan, err := l.pool.Acquire(ctx)
			if err == nil {
				loan.Release()
			}
			return err
		},
	}
	// The call itself meets the dark, or the ping before its loan does.
	for first, pingAfter := range map[string]time.Duration{"call": 0, "check": time.Nanosecond} {
		t.Run(first, func(t *testing.T) {
			onEach(t, pgserver.Options{}, throughTap, sqlpool.Config{PingAfter: pingAfter, MaxConns: 1}, func(l *lab) {
				for name, call := range calls {
					if name == "acquire" && first == "call" {
						continue // it asks nothing of the network
					}
					l.must(Fill(l.ctx(), l.db, 1))
					l.scene.Tap.Darken()
					due := time.Now().Add(200 * time.Millisecond)
					ctx, cancel := context.WithDeadline(l.ctx(), due)
					err := call(ctx, l)
					late := time.Since(due)
					cancel()
					l.Logf("%s: %v late: %v", name, late, err)
					// What was used a moment ago is lent without a look.
					if !errors.Is(err, context.DeadlineExceeded) && !(name == "acquire" && err == nil) {
						l.Errorf("%s: %v, want the deadline's error", name, err)
					}
					l.within(name, millis(max(late, 0)), overrun)
					l.scene.Tap.Lighten()
				}
				l.emptied()
			})
		})
	}
}

// While a server is stopped for three seconds every call keeps its deadline. When the
// server continues, callers are served as soon as it has started the processes that were
// asked for meanwhile: one cancel request of each connection, and the dials. None is
// asked for twice.
func TestAStoppedServerMakesNoCallLate(t *testing.T) {
	onEach(t, pgserver.Options{}, nil, sqlpool.Config{}, func(l *lab) {
		start := time.Now()
		l.must(l.db.PingContext(l.ctx()))
		process := time.Since(start)
		l.fill()
		run := l.load(callers, every, deadline)
		l.steady(run, 5)
		broken := time.Now()
		l.must(freeze(l.ctx(), l.scene))
		accepted := run.Mark()
		l.steady(run, 25)
		f := l.figures(l.stop(run), broken, accepted, callers)
		l.within("overrun", f.WorstOverrun, overrun)
		l.within("first success", f.FirstSuccess, 150*time.Millisecond+(MaxConns+sqlpool.DefaultMaxDialing)*process)
		l.audited()
		l.emptied()
	})
}
