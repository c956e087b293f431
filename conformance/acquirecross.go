package conformance

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// A caller that gives up in the moment in which it is served. Where the driver is
// called in that moment, the probe ends the caller's context there. In the queue it
// is not: many callers wait there with one context, which wakes them all at once,
// and the connection comes back before the first of them has left, or the other way
// round.

// crossings are the rounds in the queue.
const crossings = 60

func (x *trial) crossInQueue() {
	for _, conns := range []int{1, 11} {
		s := x.open(Settings{MaxConns: conns})
		began := time.Now()
		// A pool that does not tell who waits takes a moment for each round.
		for round := 0; round < crossings && time.Since(began) < x.target.Limit/8; round++ {
			holds := x.stillThere(s, conns, "callers who gave up while they were served")
			ctx, cancel := context.WithCancel(x.ctx)
			before := s.Figures().Waited
			var all sync.WaitGroup
			waiters := 1 + round%8
			for i := range waiters {
				all.Go(func() { x.borrow(ctx, s, i) })
			}
			x.awaitWaiting(s, before, waiters)
			switch round % 3 {
			case 0:
				cancel()
				giveBack(holds)
			case 1:
				giveBack(holds)
				cancel()
			case 2:
				go cancel()
				giveBack(holds)
			}
			all.Wait()
			cancel()
		}
		giveBack(x.stillThere(s, conns, "callers who gave up while they were served"))
		x.settle(s)
	}
}

// crossInDriver ends the context of a caller in each call of the driver, and in each
// hook, that is made for it.
func (x *trial) crossInDriver() {
	p := x.probe()
	var cut func()
	var mu sync.Mutex
	now := func(op string) {
		mu.Lock()
		defer mu.Unlock()
		if cut != nil {
			cut()
		}
	}
	arm := func(f func()) { mu.Lock(); cut = f; mu.Unlock() }
	settings := Settings{MaxConns: 1}
	moments := []string{OpDial, OpReset, OpPing, OpBegin, OpPrepare, OpExec, OpQuery, OpNext, OpUnrows, OpCommit, OpRollback, OpValid, OpUnstmt}
	hook := ""
	if x.target.lacks(NeedPool) == "" {
		settings.Adjust = func(c *sqlpool.Config) { c.PingAfter = time.Nanosecond }
		at := func(moment string) {
			mu.Lock()
			is := hook == moment
			mu.Unlock()
			if is {
				now(moment)
			}
		}
		settings.Hooks = []sqlpool.Hooks{{
			AfterConnect:  func(context.Context, *sqlpool.Conn) error { at("AfterConnect"); return nil },
			BeforeAcquire: func(context.Context, *sqlpool.Conn) error { at("BeforeAcquire"); return nil },
			OnAcquire:     func(sqlpool.Acquired) { at("OnAcquire") },
			AfterRelease:  func(sqlpool.Releasing) error { at("AfterRelease"); return nil },
			OnRelease:     func(sqlpool.Released) { at("OnRelease") },
		}}
		moments = append(moments, "AfterConnect", "BeforeAcquire", "OnAcquire", "AfterRelease", "OnRelease")
	}
	s := x.open(settings)
	for _, moment := range moments {
		mu.Lock()
		hook = moment
		mu.Unlock()
		for _, after := range []bool{false, true} {
			for kind := range borrowings {
				ctx, cancel := context.WithCancel(x.ctx)
				arm(cancel)
				if after {
					p.afterwards(func(_ context.Context, c Call, err error) error {
						if c.Op == moment {
							now(moment)
						}
						return err
					})
				} else {
					p.intercept(func(_ context.Context, c Call) error {
						if c.Op == moment {
							now(moment)
						}
						return nil
					})
				}
				x.borrow(ctx, s, kind)
				arm(nil)
				p.intercept(nil)
				p.afterwards(nil)
				cancel()
				holds := x.stillThere(s, 1, "a caller that gave up at "+moment)
				giveBack(holds)
				time.Sleep(2 * time.Millisecond) // long enough idle to be pinged
			}
		}
	}
	x.settle(s)
}

// borrowings is how many kinds of borrow there are.
const borrowings = 6

// borrow uses a connection in one of the ways that package sql has, and gives it
// back if it gets one.
func (x *trial) borrow(ctx context.Context, s *Subject, kind int) {
	one := x.target.Dialect.One
	switch kind % borrowings {
	case 0:
		_, _ = s.DB.ExecContext(ctx, one)
	case 1:
		if conn, err := s.DB.Conn(ctx); err == nil {
			_, _ = conn.ExecContext(ctx, one)
			_ = conn.Close()
		}
	case 2:
		if tx, err := s.DB.BeginTx(ctx, nil); err == nil {
			_, _ = tx.ExecContext(ctx, one)
			_ = tx.Commit()
		}
	case 3:
		if rows, err := s.DB.QueryContext(ctx, one); err == nil {
			_ = readAll(rows)
		}
	case 4:
		if stmt, err := s.DB.PrepareContext(ctx, one); err == nil {
			_, _ = stmt.ExecContext(ctx)
			_ = stmt.Close()
		}
	case 5:
		if s.Pool == nil {
			_ = s.DB.PingContext(ctx)
		} else if loan, err := s.Pool.Acquire(ctx); err == nil {
			_ = loan.Release()
		}
	}
}

// stillThere takes every connection that the pool may have.
func (x *trial) stillThere(s *Subject, conns int, after string) (holds []*sql.Conn) {
	ctx, cancel := x.brief()
	defer cancel()
	for n := range conns {
		hold, err := s.DB.Conn(ctx)
		if err == nil {
			x.cleanup(func() { _ = hold.Close() })
			_, err = hold.ExecContext(ctx, x.target.Dialect.One)
		}
		if err != nil {
			x.fatalf("after %s, %d of %d connections are to be had, and not the next: %v", after, n, conns, err)
		}
		holds = append(holds, hold)
	}
	return holds
}

func giveBack(holds []*sql.Conn) {
	for _, hold := range holds {
		_ = hold.Close()
	}
}
