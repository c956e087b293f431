package sqlpool_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"reflect"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// apart runs f on a goroutine that f may end.
func apart(f func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f()
	}()
	<-ended
}

// TestAHookThatEndsItsGoroutineCostsNoSlot: t.FailNow in a hook ends the goroutine
// that the hook runs on. The slot comes back as after a panic, and Close ends.
func TestAHookThatEndsItsGoroutineCostsNoSlot(t *testing.T) {
	typ := reflect.TypeFor[sqlpool.Hooks]()
	moments := []string{"Defer"}
	for i := range typ.NumField() {
		if name := typ.Field(i).Name; name != "OnStart" && name != "OnShutdown" { // before and after there is anything to give back
			moments = append(moments, name)
		}
	}
	for _, moment := range moments {
		t.Run(moment, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var exits atomic.Int64
				var told [64]atomic.Int64
				end := every(func(name string, args []reflect.Value) {
					if name == "AfterRelease" && moment == "Defer" {
						args[0].Interface().(sqlpool.Releasing).Defer(func(context.Context, *sqlpool.Conn) error {
							if exits.Add(1) <= 2 {
								runtime.Goexit()
							}
							return nil
						})
					}
					if name == moment && exits.Add(1) <= 2 {
						runtime.Goexit()
					}
				})
				after := every(func(name string, _ []reflect.Value) {
					f, _ := typ.FieldByName(name)
					told[f.Index[0]].Add(1)
				})
				server := fakedb.New()
				db, p, _ := newDBOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 2, Hooks: []sqlpool.Hooks{end, after}})
				for range 4 {
					apart(func() {
						if loan, err := p.Acquire(context.Background()); err == nil {
							_ = loan.Release()
						}
					})
					apart(func() { _, _ = db.Exec("INSERT t") })
					time.Sleep(1500 * time.Millisecond) // a sweep
				}
				server.SetDown(nil)
				apart(func() {
					if loan, err := p.Acquire(context.Background()); err == nil {
						_ = loan.Retire(nil)
					}
				})
				server.SetUp()
				time.Sleep(time.Minute)
				synctest.Wait()
				if exits.Load() < 1 {
					t.Fatalf("the hook ran %d times", exits.Load())
				}
				if f, ok := typ.FieldByName(moment); ok && f.Type.NumOut() == 0 && told[f.Index[0]].Load() != exits.Load() {
					t.Errorf("the next hook was told %d times of %d", told[f.Index[0]].Load(), exits.Load())
				}
				loans := []sqlpool.Loan{acquire(t, p), acquire(t, p)} // every slot is there
				for _, l := range loans {
					must(t, l.Release())
				}
				synctest.Wait()
				if s := p.Stats(); s.InUse != 0 || s.Closing != 0 || s.Open != 2 {
					t.Errorf("%+v", s)
				}
				start := time.Now()
				must(t, p.Close())
				if d := time.Since(start); d > time.Second {
					t.Errorf("Close took %v", d)
				}
			})
		})
	}
}

// TestAHookLeavesNoTransactionOpen: what the next borrower writes would be rolled
// back with it.
func TestAHookLeavesNoTransactionOpen(t *testing.T) {
	var on atomic.Bool
	begin := func(ctx context.Context, c *sqlpool.Conn) error {
		if on.Load() {
			return c.Exec(ctx, "BEGIN")
		}
		return nil
	}
	for name, hooks := range map[string]sqlpool.Hooks{
		"AfterConnect":  {AfterConnect: begin},
		"BeforeAcquire": {BeforeAcquire: begin},
		"WhileIdle":     {WhileIdle: whileIdle(begin)},
		"Defer":         {AfterRelease: func(r sqlpool.Releasing) error { r.Defer(begin); return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				on.Store(true)
				db, p, server := newDBOn(t, fakedb.New(), fakedb.Full, sqlpool.Config{MaxConns: 1, AcquireTimeout: 5 * time.Second, Hooks: []sqlpool.Hooks{hooks}})
				written := 0
				for range 4 {
					if _, err := db.Exec("INSERT t"); err == nil {
						written++
					}
					time.Sleep(1500 * time.Millisecond)
				}
				on.Store(false)
				time.Sleep(time.Minute)
				if _, err := db.Exec("INSERT t"); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if n := server.Written("t"); n != written+1 {
					t.Errorf("%d rows, %d were acknowledged", n, written+1)
				}
				rest(t, p)
			})
		})
	}
}

// Database/sql opens sessions on one goroutine of its own when its limit was reached.
// A BeforeAcquire hook that ends its goroutine must not end that one: no caller who
// waits for a session would ever get one again.
func TestAHookThatEndsItsGoroutineDoesNotEndTheOpener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var exits atomic.Int64
		hook := sqlpool.Hooks{BeforeAcquire: func(context.Context, *sqlpool.Conn) error {
			if exits.Add(-1) >= 0 {
				runtime.Goexit()
			}
			return nil
		}}
		db, p, _ := newDBOn(t, fakedb.New(), fakedb.Full, sqlpool.Config{MaxConns: 2, Hooks: []sqlpool.Hooks{hook}})
		db.SetMaxOpenConns(1)
		ping := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return db.PingContext(ctx)
		}
		conn, err := db.Conn(t.Context())
		must(t, err)
		waiting := make(chan error, 1)
		go func() { waiting <- ping() }()
		synctest.Wait()
		exits.Store(2)                                             // of the idle connection, and of the new one that replaces it
		_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // has the opener open the next session
		var panicked *sqlpool.HookPanic
		if err := <-waiting; !errors.As(err, &panicked) || panicked.Moment != "BeforeAcquire" {
			t.Errorf("the caller that waited for the session: %v", err)
		}
		for range 3 {
			if err := ping(); err != nil {
				t.Error(err)
			}
		}
		rest(t, p)
	})
}

// A hook that refuses the caller may have begun a transaction before. Its connection is
// cleaned up before the next loan, and not given from one caller to the next to be
// refused.
func TestAHookThatRefusesTheCallerLeavesNoTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusals := 1
		p, server := lab(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{BeforeAcquire: func(ctx context.Context, c *sqlpool.Conn) error {
			if refusals--; refusals >= 0 {
				_ = c.Exec(ctx, "BEGIN")
				return &sqlpool.CallerRefused{Err: errors.New("not you")}
			}
			return nil
		}}}})
		if _, err := p.Acquire(t.Context()); err == nil {
			t.Error("not refused")
		}
		loan := acquire(t, p)
		_ = loan.Release()
		if c := server.Counts(); c.Connects != 1 {
			t.Errorf("%d dials", c.Connects)
		}
	})
}

// A driver's connection that ends the goroutine of the acquire which checks it, as a
// mock's does with t.FailNow, costs no slot.
func TestADriverThatEndsTheGoroutineOfACheckCostsNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 1, PingAfter: time.Second, SweepInterval: time.Hour})
		loan := acquire(t, p)
		_ = loan.Release()
		time.Sleep(time.Minute)
		server.Script(func(call fakedb.Call) fakedb.Fault {
			if call.Point == fakedb.Ping {
				runtime.Goexit()
			}
			return fakedb.Fault{}
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = p.Acquire(t.Context())
			t.Error("Acquire has returned")
		}()
		<-done
		server.Clear()
		loan = acquire(t, p)
		_ = loan.Release()
		if c := server.Counts(); c.Connects != 2 {
			t.Errorf("%d dials", c.Connects)
		}
	})
}

// The number of an acquire that is not a loan yet is no loan's: it may be the next one's.
func TestAConnectionThatIsCheckedIsNotLent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var numbers []uint64
		p, _ := lab(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{BeforeAcquire: func(_ context.Context, c *sqlpool.Conn) error {
			if _, _, lent := c.Lending(); lent || c.Reclaim(c.Loans()) {
				t.Error("lent")
			}
			numbers = append(numbers, c.Loans())
			return nil
		}}}})
		loan := acquire(t, p)
		_ = loan.Release()
		if len(numbers) != 1 {
			t.Errorf("%v", numbers)
		}
	})
}
