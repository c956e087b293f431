package sqlpool_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// diary notes what hooks see, in order.
type diary struct {
	mu   sync.Mutex
	text []string
}

func (d *diary) note(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.text = append(d.text, s)
}

func (d *diary) take() string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	text := strings.Join(d.text, " ")
	d.text = nil
	return text
}

func (d *diary) hooks(who string) sqlpool.Hooks {
	return sqlpool.Hooks{
		OnStart:       func(*sqlpool.Pool) { d.note(who + "start") },
		AfterConnect:  func(context.Context, *sqlpool.Conn) error { d.note(who + "connect"); return nil },
		BeforeAcquire: func(context.Context, *sqlpool.Conn) error { d.note(who + "before"); return nil },
		AfterRelease:  func(sqlpool.Releasing) error { d.note(who + "after"); return nil },
		WhileIdle:     func(context.Context, sqlpool.IdleConn) error { d.note(who + "idle"); return nil },
		OnOpen:        func(sqlpool.Opened) { d.note(who + "open") },
		OnAcquire:     func(sqlpool.Acquired) { d.note(who + "acquire") },
		OnRelease:     func(sqlpool.Released) { d.note(who + "release") },
		OnClose:       func(c sqlpool.Closed) { d.note(who + "close:" + sqlpool.ReasonCode(c.Reason)) },
		OnSweep:       func(*sqlpool.Pool) { d.note(who + "sweep") },
		OnState:       func(c sqlpool.StateChanged) { d.note(who + "state:" + c.To.String()) },
	}
}

func TestAHookReadsRowsOnItsConnection(t *testing.T) {
	for name, shape := range map[string]func(*fakedb.Conn) driver.Conn{"full": fakedb.Full, "minimal": fakedb.Minimal} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var rows [][]driver.Value
				var failed error
				server := fakedb.New()
				p := labOn(t, server, shape, sqlpool.Config{Hooks: []sqlpool.Hooks{{AfterConnect: func(ctx context.Context, c *sqlpool.Conn) (err error) {
					_, failed = c.Query(ctx, "FAIL 23505")
					rows, err = c.Query(ctx, "SERIES 3")
					return err
				}}}})
				_ = acquire(t, p).Release()
				if len(rows) != 3 || fmt.Sprint(rows) != "[[1] [2] [3]]" || failed == nil {
					t.Errorf("%v, %v", rows, failed)
				}
			})
		})
	}
}

func TestHooksSeeALifeInOrderAndEachMomentInTheOrderOfTheConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		p, _ := lab(t, sqlpool.Config{Hooks: []sqlpool.Hooks{d.hooks("1"), {}, d.hooks("2")}})
		want := func(step, want string) {
			t.Helper()
			if got := d.take(); got != want {
				t.Errorf("%s:\ngot  %s\nwant %s", step, got, want)
			}
		}
		want("New", "1start 2start")
		loan := acquire(t, p)
		synctest.Wait()
		text := d.take() // the loan begins while the state's change is told
		for _, part := range []string{"1state:up", "2state:up"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s is missing in %s", part, text)
			}
			text = strings.TrimSpace(strings.Replace(strings.Replace(text, part, "", 1), "  ", " ", 1))
		}
		if text != "1connect 2connect 1open 2open 1before 2before 1acquire 2acquire" {
			t.Errorf("first acquire: %s", text)
		}
		_ = loan.Release()
		want("release", "1after 2after 1release 2release")
		time.Sleep(time.Second)
		want("sweep", "1idle 2idle 1sweep 2sweep")
		_ = p.Close()
		told := strings.Fields(d.take()) // the state's change and the close are told by two goroutines
		slices.Sort(told)
		if text := strings.Join(told, " "); text != "1close:shutdown 1state:closed 2close:shutdown 2state:closed" {
			t.Errorf("close: %s", text)
		}
	})
}

func TestARefusedIdleConnectionIsReplacedAndARefusedNewOneIsTheCallersError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stale, never := errors.New("stale"), errors.New("never")
		var mu sync.Mutex
		var reasons []error
		verdict := func(*sqlpool.Conn) error { return nil }
		p, server := lab(t, sqlpool.Config{MaxConns: 3, Hooks: []sqlpool.Hooks{{
			BeforeAcquire: func(_ context.Context, c *sqlpool.Conn) error { return verdict(c) },
			OnClose:       func(c sqlpool.Closed) { mu.Lock(); defer mu.Unlock(); reasons = append(reasons, c.Reason) },
		}}})
		a, b := acquire(t, p), acquire(t, p)
		_, _ = a.Release(), b.Release()
		verdict = func(c *sqlpool.Conn) error {
			if c.ID() < 3 {
				return stale
			}
			return nil
		}
		loan := acquire(t, p)
		if loan.Conn().ID() != 3 {
			t.Errorf("lent connection %d", loan.Conn().ID())
		}
		synctest.Wait()
		if len(reasons) != 2 || reasons[0] != stale || reasons[1] != stale {
			t.Errorf("reasons %v", reasons)
		}
		verdict = func(*sqlpool.Conn) error { return never }
		dials := server.Counts().Connects
		_, err := p.Acquire(t.Context())
		e := refused(t, err, nil)
		if e.Cause != never || !errors.Is(err, never) || server.Counts().Connects != dials+1 {
			t.Errorf("after %d dials: %v", server.Counts().Connects-dials, err)
		}
		if s := p.Stats(); s.AcquireCount != 3 || s.ReleaseCount != 2 {
			t.Errorf("what was refused is counted as a loan: %+v", s)
		}
		verdict = func(*sqlpool.Conn) error { return nil }
		_ = loan.Release()
	})
}

// A hook of a moment in which the connection is its borrower's, is closed, or was never
// opened cannot talk to the server: what it gets has no method for that.
func TestWhatWatchesHasNoWayToTheServer(t *testing.T) {
	may := []string{"AfterConnect", "BeforeAcquire", "WhileIdle"}
	talks := func(typ reflect.Type) string {
		for _, name := range []string{"Exec", "Query", "Ping", "SetUp", "Raw"} {
			if _, ok := typ.MethodByName(name); ok {
				return name
			}
		}
		return ""
	}
	hooks := reflect.TypeFor[sqlpool.Hooks]()
	for i := range hooks.NumField() {
		hook := hooks.Field(i)
		if slices.Contains(may, hook.Name) {
			continue
		}
		for _, typ := range given(hook.Type) {
			if method := talks(typ); method != "" {
				t.Errorf("%s can call %v.%s", hook.Name, typ, method)
			}
		}
	}
	if talks(reflect.TypeFor[*sqlpool.Conn]()) == "" {
		t.Error("the names of the methods are wrong")
	}
}

// given are the types that a hook gets: its arguments, their fields, and what the
// function that it returns gets.
func given(hook reflect.Type) (types []reflect.Type) {
	for i := range hook.NumIn() {
		in := hook.In(i)
		types = append(types, in)
		for j := 0; in.Kind() == reflect.Struct && j < in.NumField(); j++ {
			if in.Field(j).IsExported() {
				types = append(types, in.Field(j).Type)
			}
		}
	}
	for i := range hook.NumOut() {
		if hook.Out(i).Kind() == reflect.Func {
			types = append(types, given(hook.Out(i))...)
		}
	}
	return slices.DeleteFunc(types, func(typ reflect.Type) bool { return typ == reflect.TypeFor[*sqlpool.Pool]() })
}

func TestDeferredWorkIsDoneBeforeTheNextLoanAndNotOnTheBorrowersTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		p, server := lab(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{d.hooks(""), {
			AfterRelease: func(r sqlpool.Releasing) error {
				r.Defer(func(ctx context.Context, c *sqlpool.Conn) error { return c.Exec(ctx, "RESET ALL") })
				r.Defer(func(context.Context, *sqlpool.Conn) error { d.note("deferred"); return nil })
				return nil
			},
		}}})
		server.On(fakedb.Exec, fakedb.Fault{Text: "RESET", Delay: 100 * time.Millisecond})
		loan := acquire(t, p)
		next := queue(t.Context(), p)
		d.take()
		start := time.Now()
		_ = loan.Release()
		if took := time.Since(start); took > 0 {
			t.Errorf("the borrower waited %v", took)
		}
		if s := p.Stats(); s.Idle != 1 || s.InUse != 0 || s.Open != 1 {
			t.Errorf("while settling: %+v", s)
		}
		a := <-next
		if got := d.take(); a.took != 100*time.Millisecond || got != "after release deferred before acquire" {
			t.Errorf("after %v: %s", a.took, got)
		}
		_ = a.loan.Release()
	})
}

func TestDeferredWorkThatFailsOrPanicsRetiresTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := errors.New("reset failed")
		work := func(context.Context, *sqlpool.Conn) error { return failed }
		var reasons []error
		p, _ := lab(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{
			AfterRelease: func(r sqlpool.Releasing) error { r.Defer(work); return nil },
			OnClose:      func(c sqlpool.Closed) { reasons = append(reasons, c.Reason) },
		}}})
		_ = acquire(t, p).Release()
		synctest.Wait()
		work = func(context.Context, *sqlpool.Conn) error { panic("reset exploded") }
		_ = acquire(t, p).Release()
		synctest.Wait()
		var panicked *sqlpool.HookPanic
		if len(reasons) != 2 || reasons[0] != failed || !errors.As(reasons[1], &panicked) || panicked.Moment != "Defer" {
			t.Errorf("reasons %v", reasons)
		}
	})
}

func TestEveryReasonToCloseIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var codes []string
		p, server := lab(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{OnClose: func(c sqlpool.Closed) {
			if c.Reason == nil || c.Conn == nil {
				t.Error("no reason or no connection")
			}
			codes = append(codes, sqlpool.ReasonCode(c.Reason))
		}}}})
		_ = acquire(t, p).Retire(nil)
		synctest.Wait()
		_ = acquire(t, p).Retire(&sqlpool.Reason{Code: "max_lifetime"})
		synctest.Wait()
		_ = acquire(t, p).Retire(errors.New("a hook's own"))
		synctest.Wait()
		loan := acquire(t, p)
		conn(loan).Kill(fakedb.Death{})
		_ = loan.Conn().Ping(t.Context())
		_ = loan.Release() // the driver says that it is not valid
		synctest.Wait()
		_ = acquire(t, p).Release()
		time.Sleep(time.Second)
		server.KillAll()
		_ = acquire(t, p).Release() // found dead
		synctest.Wait()
		_ = p.Close()
		want := []string{"retired", "max_lifetime", "hook", "broken", "dead", "shutdown"}
		if !slices.Equal(codes, want) {
			t.Errorf("reasons %v, want %v", codes, want)
		}
	})
}
