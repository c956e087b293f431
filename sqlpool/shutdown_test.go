package sqlpool_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestShutdownRefusesTheNewAndLetsTheOldFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 1})
		loan := acquire(t, p)
		waiter := queue(t.Context(), p)
		down := make(chan error, 1)
		start := time.Now()
		go func() { down <- p.Shutdown(t.Context()) }()
		a := <-waiter
		if e := refused(t, a.err, sqlpool.ErrClosed); a.took != 0 || e.Phase != sqlpool.PhaseWaiting {
			t.Errorf("the waiter, after %v: %v", a.took, a.err)
		}
		if _, err := p.Acquire(t.Context()); !errors.Is(err, sqlpool.ErrClosed) {
			t.Errorf("a new acquire: %v", err)
		}
		time.Sleep(10 * time.Second)
		if err := loan.Conn().Exec(t.Context(), "INSERT late"); err != nil {
			t.Errorf("the loan cannot finish: %v", err)
		}
		_ = loan.Release()
		if err := <-down; err != nil || time.Since(start) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if err := p.Shutdown(t.Context()); err != nil {
			t.Errorf("again: %v", err)
		}
	})
}

func TestTheDeadlineCutsLoansOffAndNamesTheirHolders(t *testing.T) {
	for name, shape := range map[string]fakedb.Shape{"with Abort": fakedb.Full, "without": fakedb.NoAbort} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var codes []string
				ends := 0
				server := fakedb.New()
				p := labOn(t, server, shape, sqlpool.Config{MaxConns: 3, ShutdownTimeout: 5 * time.Second, Hooks: []sqlpool.Hooks{{
					OnRelease: func(sqlpool.Released) { mu.Lock(); defer mu.Unlock(); ends++ },
					OnClose: func(c sqlpool.Closed) {
						mu.Lock()
						defer mu.Unlock()
						codes = append(codes, sqlpool.ReasonCode(c.Reason))
					},
				}}})
				busy := acquire(t, p)
				time.Sleep(time.Second)
				forgotten := acquire(t, p)
				hung := server.On(fakedb.Exec, fakedb.Fault{Text: "SLOW", Hang: fakedb.UntilAbort})
				cut := make(chan error, 1)
				c := busy.Conn()
				go func() { cut <- c.Exec(context.Background(), "SLOW") }()
				err := p.Close()
				var problems *multierror.Error
				var holder *sqlpool.HolderError
				if !errors.As(err, &problems) || len(problems.Errors) != 2 || !errors.As(problems.Errors[0], &holder) ||
					holder.Holder.Conn != 1 || busy.Conn() != nil ||
					!strings.Contains(problems.Errors[0].Error(), "connection 1 held for 6s") ||
					!strings.Contains(problems.Errors[1].Error(), "connection 2 held for 5s") {
					t.Errorf("the holders are not named: %v", err)
				}
				if name == "with Abort" {
					if err := <-cut; !errors.Is(err, fakedb.ErrAborted) {
						t.Errorf("the blocked call returned %v", err)
					}
				} else {
					hung.Release()
					<-cut
				}
				synctest.Wait()
				closes := server.Counts().Closes
				for range 2 {
					if err := busy.Release(); !errors.Is(err, sqlpool.ErrNotHeld) {
						t.Errorf("a late release: %v", err)
					}
				}
				_ = forgotten.Retire(nil)
				synctest.Wait()
				if c := server.Counts(); closes != 0 || c.Closes != 2 || c.DoubleCloses != 0 {
					t.Errorf("%d closes while in use, %d in the end", closes, c.Closes)
				}
				mu.Lock()
				defer mu.Unlock()
				if strings.Join(codes, " ") != "forced forced" || ends != 2 {
					t.Errorf("reasons %v, %d loans ended in the eyes of the hooks", codes, ends)
				}
			})
		})
	}
}

func TestShutdownCancelsDialsAndProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 3})
		server.On(fakedb.Connect, fakedb.Fault{Hang: fakedb.UntilDone})
		waiter := queue(t.Context(), p)
		start := time.Now()
		if err := p.Close(); err != nil || time.Since(start) > 0 {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		refused(t, (<-waiter).err, sqlpool.ErrClosed)
		if c := server.Counts(); c.Dialing != 0 || c.Live != 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestCloseDuringAnOutageEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		server.SetDown(nil)
		p := labOn(t, server, fakedb.Full, sqlpool.Config{MinIdle: 2})
		_, err := p.Acquire(t.Context())
		refused(t, err, sqlpool.ErrUnavailable)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		tried := server.Counts().ConnectsTried
		time.Sleep(time.Hour)
		if c := server.Counts(); c.ConnectsTried != tried {
			t.Error("probes go on after the close")
		}
		if s := p.Stats(); s.State != sqlpool.StateClosed {
			t.Errorf("%+v", s)
		}
	})
}

func TestShutdownsAtOnceAllReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 2, MinIdle: 2})
		loan := acquire(t, p)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Second)
		_ = loan.Release()
		wg.Wait()
	})
}

// Shutdown from within a hook waits for the loan or the goroutine that the hook
// runs in. It must still come back when its context says so.
func TestShutdownInsideAHookReturnsWithItsContext(t *testing.T) {
	for _, moment := range []string{"OnRelease", "OnClose", "OnState", "OnSweep", "OnAcquire", "OnOpen", "BeforeAcquire", "WhileIdle"} {
		t.Run(moment, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var once sync.Once
				var p *sqlpool.Pool
				down := func() {
					once.Do(func() {
						ctx, cancel := context.WithTimeout(context.Background(), time.Second)
						defer cancel()
						_ = p.Shutdown(ctx)
					})
				}
				server := fakedb.New()
				h := sqlpool.Hooks{}
				switch moment {
				case "OnRelease":
					h.OnRelease = func(sqlpool.Released) { down() }
				case "OnClose":
					h.OnClose = func(sqlpool.Closed) { down() }
				case "OnState":
					h.OnState = func(sqlpool.StateChanged) { down() }
				case "OnSweep":
					h.OnSweep = func(*sqlpool.Pool) { down() }
				case "OnAcquire":
					h.OnAcquire = func(sqlpool.Acquired) { down() }
				case "OnOpen":
					h.OnOpen = func(sqlpool.Opened) { down() }
				case "BeforeAcquire":
					h.BeforeAcquire = func(context.Context, *sqlpool.Conn) error { down(); return nil }
				case "WhileIdle":
					h.WhileIdle = func(context.Context, sqlpool.IdleConn) error { down(); return nil }
				}
				p = labOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{h}})
				start := time.Now()
				if loan, err := p.Acquire(t.Context()); err == nil {
					_ = loan.Release()
				}
				time.Sleep(2 * time.Second)
				_ = p.Close()
				if took := time.Since(start); took > 4*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestOnShutdownIsCalledOnceWhileThePoolStillLends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		p, _ := lab(t, sqlpool.Config{Hooks: []sqlpool.Hooks{
			{OnShutdown: func(context.Context, *sqlpool.Pool) { panic("first") }},
			{OnShutdown: func(context.Context, *sqlpool.Pool) { runtime.Goexit() }},
			{OnShutdown: func(ctx context.Context, p *sqlpool.Pool) {
				calls++
				loan, err := p.Acquire(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				if _, ok := ctx.Deadline(); !ok {
					t.Error("the context is not Shutdown's")
				}
				_ = loan.Release()
			}},
		}})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				if err := p.Shutdown(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if calls != 1 {
			t.Errorf("called %d times", calls)
		}
	})
}

func TestAfterShutdownNoGoroutineIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		server := fakedb.New()
		p, err := sqlpool.New(sqlpool.Config{Connector: server.Connector(), MinIdle: 3})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Warm(context.Background()); err != nil {
			t.Fatal(err)
		}
		_ = acquire(t, p).Release()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	for start := time.Now(); time.Since(start) < 10*time.Second; { // the last ones are on their way out
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
	}
	stacks := make([]byte, 1<<16)
	t.Errorf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}
