package sqlpool_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// every returns Hooks in which each field is set to what f makes of its name.
// A new field takes part by itself.
func every(f func(field string, args []reflect.Value)) sqlpool.Hooks {
	return everyFailing(func(field string, args []reflect.Value) error { f(field, args); return nil })
}

// everyFailing is every, where a field whose hooks return an error returns that of f.
func everyFailing(f func(field string, args []reflect.Value) error) sqlpool.Hooks {
	var h sqlpool.Hooks
	v := reflect.ValueOf(&h).Elem()
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Name, v.Field(i)
		field.Set(reflect.MakeFunc(field.Type(), func(args []reflect.Value) []reflect.Value {
			err := f(name, args)
			if field.Type().NumOut() == 0 {
				return nil
			}
			out := reflect.New(field.Type().Out(0)).Elem()
			if err != nil && returnsError(field.Type()) {
				out.Set(reflect.ValueOf(err))
			}
			return []reflect.Value{out}
		}))
	}
	return h
}

func returnsError(hook reflect.Type) bool {
	return hook.NumOut() == 1 && hook.Out(0) == reflect.TypeFor[error]()
}

// live takes a pool through every moment that hooks can see.
func live(t *testing.T, server *fakedb.DB, p *sqlpool.Pool) (errs []error) {
	db := sqlpool.OpenDB(p)
	t.Cleanup(func() { _ = db.Close() })
	for range 3 {
		loan, err := p.Acquire(t.Context())
		errs = append(errs, err)
		if err == nil {
			_ = loan.Release()
		}
		_, err = db.ExecContext(t.Context(), "INSERT t")
		errs = append(errs, err)
		time.Sleep(1500 * time.Millisecond) // a sweep
	}
	server.SetDown(nil)
	if loan, err := p.Acquire(t.Context()); err == nil {
		_ = loan.Retire(nil)
		_, _ = p.Acquire(t.Context())
	}
	server.SetUp()
	time.Sleep(time.Minute)
	synctest.Wait()
	return errs
}

func TestEveryFieldOfHooksIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var called [64]atomic.Bool
		typ := reflect.TypeFor[sqlpool.Hooks]()
		server := fakedb.New()
		p := labOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{every(func(name string, _ []reflect.Value) {
			f, _ := typ.FieldByName(name)
			called[f.Index[0]].Store(true)
		})}})
		for _, err := range live(t, server, p) {
			if err != nil {
				t.Error(err)
			}
		}
		_ = p.Close()
		for i := range typ.NumField() {
			if !called[i].Load() {
				t.Errorf("%s was never called", typ.Field(i).Name)
			}
		}
	})
}

// A hook may look at its pool: none runs under the pool's lock.
func TestAHookMayAskThePool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pool atomic.Pointer[sqlpool.Pool]
		server := fakedb.New()
		p := labOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{every(func(name string, args []reflect.Value) {
			for _, arg := range args {
				if p, ok := arg.Interface().(*sqlpool.Pool); ok {
					pool.Store(p)
				}
			}
			p := pool.Load()
			balanced(t, p.Stats())
			_, _, _ = p.Holders(), p.Config(), p.Name()
		})}})
		live(t, server, p)
	})
}

// A panic in any hook retires the connection, becomes a *HookPanic, and never
// costs a slot.
func TestAPanicInAnyHookCostsNoSlot(t *testing.T) {
	typ := reflect.TypeFor[sqlpool.Hooks]()
	for i := range typ.NumField() {
		field := typ.Field(i).Name
		if field == "OnStart" || field == "OnShutdown" {
			continue // New's own panic; see TestOnShutdownIsCalledOnceWhileThePoolStillLends
		}
		t.Run(field, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var armed atomic.Bool
				var mu sync.Mutex
				var reasons []error
				boom := errors.New("boom")
				server := fakedb.New()
				p := labOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{
					every(func(name string, _ []reflect.Value) {
						if name == field && armed.CompareAndSwap(true, false) {
							panic(boom)
						}
					}),
					{OnClose: func(c sqlpool.Closed) { mu.Lock(); defer mu.Unlock(); reasons = append(reasons, c.Reason) }},
				}})
				armed.Store(true)
				errs := live(t, server, p)
				if armed.Load() && field != "OnClose" {
					t.Error("never called")
				}
				var panicked *sqlpool.HookPanic
				switch field {
				case "AfterConnect", "BeforeAcquire", "OnOpen", "OnAcquire": // on the way to a caller
					if !errors.As(errs[0], &panicked) || panicked.Moment != field || !errors.Is(errs[0], boom) || len(panicked.Stack) == 0 {
						t.Errorf("the caller got %v", errs[0])
					}
				case "OnStatement":
					if !errors.As(errs[1], &panicked) || panicked.Moment != field || !errors.Is(errs[1], boom) {
						t.Errorf("the caller got %v", errs[1])
					}
					if n := server.Written("t"); n != 2 {
						t.Errorf("%d rows of the two that were not refused", n)
					}
				default:
					if errs[0] != nil {
						t.Errorf("the caller got %v", errs[0])
					}
				}
				switch field {
				case "BeforeAcquire", "AfterRelease", "WhileIdle", "OnOpen", "OnAcquire", "OnRelease":
					if len(reasons) == 0 || !errors.As(reasons[0], &panicked) || panicked.Moment != field || sqlpool.ReasonCode(reasons[0]) != sqlpool.CodeHookPanic {
						t.Errorf("reasons %v", reasons)
					}
				case "OnClose", "OnState", "OnSweep":
					if s := p.Stats(); s.LastError == "" {
						t.Error("the panic is not to be seen anywhere")
					}
				}
				loan := acquire(t, p)
				if s := p.Stats(); s.InUse != 1 || s.Open != 1 {
					t.Errorf("%+v", s)
				}
				_ = loan.Release()
			})
		})
	}
}

// TestAnErrorOfAnyHookReachesWhomItMust: it is the caller's where a new connection was
// refused, and the reason of the connection's end wherever there was a connection. No
// other caller sees it, and it costs no slot and no row.
func TestAnErrorOfAnyHookReachesWhomItMust(t *testing.T) {
	typ := reflect.TypeFor[sqlpool.Hooks]()
	moments := []string{"Defer"}
	for i := range typ.NumField() {
		if returnsError(typ.Field(i).Type) {
			moments = append(moments, typ.Field(i).Name)
		}
	}
	for _, moment := range moments {
		for nth := range int64(4) {
			t.Run(fmt.Sprintf("%s, call %d", moment, nth+1), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { failsAt(t, moment, nth+1) })
			})
		}
	}
}

// failsAt has the hook of a moment return an error at its nth call.
func failsAt(t *testing.T, moment string, nth int64) {
	boom := errors.New("boom")
	var calls atomic.Int64
	var fresh atomic.Bool // it refused a connection that had never been lent
	var mu sync.Mutex
	var reasons []error
	failing := everyFailing(func(name string, args []reflect.Value) error {
		if moment == "Defer" && name == "AfterRelease" {
			args[0].Interface().(sqlpool.Releasing).Defer(func(context.Context, *sqlpool.Conn) error {
				if calls.Add(1) == nth {
					return &sqlpool.Reason{Code: "mine", Err: boom}
				}
				return nil
			})
		}
		if name != moment || calls.Add(1) != nth {
			return nil
		}
		for _, arg := range args {
			if c, ok := arg.Interface().(*sqlpool.Conn); ok && (name == "AfterConnect" || name == "BeforeAcquire" && c.Loans() == 1) {
				fresh.Store(true)
			}
		}
		return &sqlpool.Reason{Code: "mine", Err: boom}
	})
	server := fakedb.New()
	db, p, _ := newDBOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{failing, {
		OnClose: func(c sqlpool.Closed) { mu.Lock(); defer mu.Unlock(); reasons = append(reasons, c.Reason) },
	}}})
	told, written := 0, 0
	note := func(err error) bool {
		if errors.Is(err, boom) {
			told++
		} else if err != nil {
			t.Errorf("a caller got %v", err)
		}
		return err == nil
	}
	for i := range 6 {
		if loan, err := p.Acquire(t.Context()); note(err) && i%2 == 0 {
			must(t, loan.Retire(nil))
		} else if err == nil {
			must(t, loan.Release())
		}
		time.Sleep(1500 * time.Millisecond) // a sweep; and a dial that was refused has been tried again
		if _, err := db.Exec("INSERT t"); note(err) {
			written++
		}
		time.Sleep(1500 * time.Millisecond)
	}
	synctest.Wait()
	if calls.Load() < nth {
		t.Fatalf("it was called %d times only", calls.Load())
	}
	want := 0
	if fresh.Load() {
		want = 1
	}
	if told != want {
		t.Errorf("%d callers got the error, want %d", told, want)
	}
	ended := 0
	mu.Lock()
	defer mu.Unlock()
	for _, reason := range reasons {
		if errors.Is(reason, boom) && sqlpool.ReasonCode(reason) == "mine" {
			ended++
		}
	}
	if want = 1; moment == "AfterConnect" { // the hooks are not told of a connection that never came to be one
		want = 0
	}
	if ended != want {
		t.Errorf("%d connections ended for the hook's reason, want %d, of %v", ended, want, reasons)
	}
	if n := server.Written("t"); n != written {
		t.Errorf("%d rows, %d were acknowledged", n, written)
	}
	rest(t, p)
}

// Every watcher is told although one before it panicked.
func TestAPanickingWatcherDoesNotSilenceTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, ended := 0, 0
		p, _ := lab(t, sqlpool.Config{Hooks: []sqlpool.Hooks{
			{OnAcquire: func(sqlpool.Acquired) { panic("first") }, OnRelease: func(sqlpool.Released) { panic("second") }},
			{OnAcquire: func(sqlpool.Acquired) { began++ }, OnRelease: func(sqlpool.Released) { ended++ }},
		}})
		_, err := p.Acquire(context.Background())
		if err == nil || began != 1 || ended != 1 {
			t.Errorf("%d loans began and %d ended in the eyes of the second: %v", began, ended, err)
		}
	})
}

// What a hook panics with says nothing of the caller: the connection is retired also
// when the value wraps a *CallerRefused.
func TestAPanicWithACallerRefusedRetiresTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reasons := make(chan error, 10)
		armed := true
		p, server := lab(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{
			BeforeAcquire: func(context.Context, *sqlpool.Conn) error {
				if armed {
					panic(&sqlpool.CallerRefused{Err: errors.New("boom")})
				}
				return nil
			},
			OnClose: func(c sqlpool.Closed) { reasons <- c.Reason },
		}}})
		_, err := p.Acquire(t.Context())
		var panicked *sqlpool.HookPanic
		if !errors.As(err, &panicked) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		select {
		case reason := <-reasons:
			if sqlpool.ReasonCode(reason) != sqlpool.CodeHookPanic {
				t.Errorf("retired because of %v", reason)
			}
		default:
			t.Error("the connection stays")
		}
		armed = false
		_ = acquire(t, p).Release()
		if c := server.Counts(); c.Connects != 2 {
			t.Errorf("%d dials", c.Connects)
		}
	})
}

// A panic of a driver, where the pool calls it between two loans, names the driver's
// method.
func TestAPanicOfADriverBetweenLoansNamesItsMethod(t *testing.T) {
	for name, at := range map[string]fakedb.Point{"Alive": fakedb.Alive, "Ping": fakedb.Ping} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var reasons []error
				p, server := lab(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{
					WhileIdle: func(_ context.Context, c sqlpool.IdleConn) error { c.KeepAlive(); return nil },
					OnClose:   func(c sqlpool.Closed) { reasons = append(reasons, c.Reason) },
				}}})
				must(t, acquire(t, p).Release())
				server.On(at, fakedb.Fault{Times: 1, Panic: "boom"})
				time.Sleep(3 * time.Second)
				synctest.Wait()
				var panicked *sqlpool.HookPanic
				if len(reasons) != 1 || !errors.As(reasons[0], &panicked) || panicked.Moment != name || sqlpool.ReasonCode(reasons[0]) != sqlpool.CodeHookPanic {
					t.Errorf("closed for %v", reasons)
				}
			})
		})
	}
}
