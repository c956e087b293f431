package sqlpool_test

import (
	"context"
	"testing"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestAcquireReleaseAndStatsAllocateNothing(t *testing.T) {
	ctx := context.Background()
	p := newPool(t, sqlpool.Config{Connector: fakedb.Instant(), MaxConns: 2, Hooks: []sqlpool.Hooks{{
		OnAcquire:    func(sqlpool.Acquired) {},
		OnRelease:    func(sqlpool.Released) {},
		AfterRelease: func(sqlpool.Releasing) error { return nil },
	}}})
	borrow := func() {
		loan, err := p.Acquire(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := loan.Release(); err != nil {
			t.Fatal(err)
		}
	}
	var s sqlpool.Stats
	for name, f := range map[string]func(){
		"acquire and release": borrow,
		"stats":               func() { s = p.Stats() },
	} {
		if n := testing.AllocsPerRun(1000, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if s.MaxConns != 2 {
		t.Error(s)
	}
}

// An acquire that waits reuses the channel and the timer of an earlier one.
func TestAWaitAllocatesNothing(t *testing.T) {
	p := newPool(t, sqlpool.Config{Connector: fakedb.Instant(), MaxConns: 1})
	ctx, stop := context.WithCancel(context.Background())
	turns := make(chan struct{})
	go func() { // takes turns with the test: the second to come waits
		defer close(turns)
		for ctx.Err() == nil {
			if loan, err := p.Acquire(ctx); err == nil {
				for p.Stats().Waiting == 0 && ctx.Err() == nil {
				}
				_ = loan.Release()
			}
		}
	}()
	defer func() { stop(); <-turns }()
	before := p.Stats().WaitCount
	n := testing.AllocsPerRun(1000, func() {
		for p.Stats().InUse == 0 {
		}
		loan, err := p.Acquire(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		_ = loan.Release()
	})
	if waits := p.Stats().WaitCount - before; waits < 900 {
		t.Errorf("only %d of 1000 waited", waits)
	}
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
