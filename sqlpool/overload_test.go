package sqlpool_test

import (
	"context"
	"database/sql/driver"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// brittle is a server whose statements take 20 ms, give or take half of spread, and
// whose connections do not survive a statement that is cut.
type brittle struct {
	random *rand.Rand
	spread time.Duration
	dials  atomic.Int64
}

func (b *brittle) takes() time.Duration {
	if b.spread == 0 {
		return 20 * time.Millisecond
	}
	return 20*time.Millisecond - b.spread/2 + time.Duration(b.random.Int64N(int64(b.spread)))
}

func (b *brittle) Connect(context.Context) (driver.Conn, error) {
	time.Sleep(10 * time.Millisecond)
	b.dials.Add(1)
	return &brittleConn{server: b}, nil
}

func (b *brittle) Driver() driver.Driver { return nil }

type brittleConn struct {
	server *brittle
	broken bool
}

func (c *brittleConn) ExecContext(ctx context.Context, _ string, _ []driver.NamedValue) (driver.Result, error) {
	select {
	case <-time.After(c.server.takes()):
		return driver.ResultNoRows, nil
	case <-ctx.Done():
		c.broken = true
		return nil, ctx.Err()
	}
}

func (c *brittleConn) IsValid() bool                       { return !c.broken }
func (c *brittleConn) Prepare(string) (driver.Stmt, error) { return nil, driver.ErrSkip }
func (c *brittleConn) Begin() (driver.Tx, error)           { return nil, driver.ErrSkip }
func (c *brittleConn) Close() error                        { return nil }

// locked is a source for several goroutines.
type locked struct {
	turn chan struct{}
	rand.Source
}

func (l locked) Uint64() uint64 {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	return l.Source.Uint64()
}

// A thousand callers at once on ten connections are two seconds of work, and each
// waits for one. Then as many come as can be served, and a few more.
func TestThePoolServesWhatItCanAfterAnOverload(t *testing.T) {
	const (
		conns    = 10
		capacity = conns * 50 // statements a second
		deadline = time.Second
		seeds    = 100
	)
	worst, dials := 1.0, int64(0)
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			server := &brittle{random: rand.New(locked{make(chan struct{}, 1), rand.NewPCG(seed, 1)}), spread: 10 * time.Millisecond}
			pool, err := sqlpool.New(sqlpool.Config{Connector: server, MaxConns: conns})
			if err != nil {
				t.Fatal(err)
			}
			db := sqlpool.OpenDB(pool)
			defer db.Close()
			start := time.Now()
			const from, to = time.Second, 2500 * time.Millisecond
			var served atomic.Int64
			call := func() {
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				_, err := db.ExecContext(ctx, "work")
				if at := time.Since(start); err == nil && at >= from && at < to {
					served.Add(1)
				}
			}
			for range 1000 {
				go call()
			}
			arrivals := rand.New(rand.NewPCG(seed, 2))
			for time.Since(start) < to {
				time.Sleep(time.Duration(arrivals.ExpFloat64() / (1.1 * capacity) * float64(time.Second)))
				go call()
			}
			goodput := float64(served.Load()) / (capacity * (to - from).Seconds())
			if worst = min(worst, goodput); goodput < 0.95 {
				t.Errorf("seed %d: %.2f of what the connections can do was served after the overload, with %d dials", seed, goodput, server.dials.Load())
			}
			dials = max(dials, server.dials.Load())
			time.Sleep(2 * deadline) // all who wait are served or late
		})
	}
	t.Logf("goodput never below %.3f, at most %d dials", worst, dials)
}

// Workers without deadlines wait in order, however long the queue is.
func TestAClosedLoopWithoutDeadlinesKeepsItsOrder(t *testing.T) {
	for _, spread := range []time.Duration{0, 10 * time.Millisecond} {
		for _, workers := range []int{64, 200} {
			synctest.Test(t, func(t *testing.T) { keepOrder(t, workers, spread) })
		}
	}
}

// keepOrder has so many workers share four connections for a minute.
func keepOrder(t *testing.T, workers int, spread time.Duration) {
	server := &brittle{random: rand.New(locked{make(chan struct{}, 1), rand.NewPCG(7, 1)}), spread: spread}
	pool, err := sqlpool.New(sqlpool.Config{Connector: server, MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	db := sqlpool.OpenDB(pool)
	defer db.Close()
	start := time.Now()
	waits := make(chan time.Duration, 20_000)
	done := make(chan struct{}, workers)
	for range workers {
		go func() {
			defer func() { done <- struct{}{} }()
			for time.Since(start) < time.Minute {
				began := time.Now()
				if _, err := db.ExecContext(context.Background(), "work"); err != nil {
					t.Error(err)
				}
				if time.Since(start) > 5*time.Second { // all have come and waited by then
					waits <- time.Since(began)
				}
			}
		}()
	}
	for range workers {
		<-done
	}
	close(waits)
	p50, p99 := percentiles(waits)
	t.Logf("%d workers, statements of 20 ms ± %v: p50 %v, p99 %v", workers, spread/2, p50, p99)
	if float64(p99) > 1.2*float64(p50) {
		t.Errorf("%d workers, statements of 20 ms ± %v: p50 %v, p99 %v", workers, spread/2, p50, p99)
	}
}

func percentiles(waits <-chan time.Duration) (p50, p99 time.Duration) {
	var all []time.Duration
	for w := range waits {
		all = append(all, w)
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100]
}
