package debugui_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestTheViewOfAPoolAtWork(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{}, sqlpool.Config{MaxConns: 3, AcquireTimeout: time.Minute})
		db := sqlpool.OpenDB(l.pool)
		defer db.Close()
		tx, err := db.Begin()
		must(t, err)
		_, err = tx.Exec("UPDATE t SET a = ? WHERE b = 'x'", 1)
		must(t, err)
		short := l.acquire()
		time.Sleep(2 * time.Second)
		must(t, short.Release())
		time.Sleep(40 * time.Second) // the transaction is a leak now
		synctest.Wait()

		v := l.view()
		if v.Pool != "orders" || v.Status.Level != debugui.Degraded || v.Status.State != "up" || v.Status.Reasons[0] != "1 loan is held too long" {
			t.Errorf("status: %+v", v.Status)
		}
		if g := v.Gauges; g.MaxConns != 3 || g.InUse != 1 || g.Idle != 1 || g.Leaks != 1 || g.Waiting != 0 {
			t.Errorf("gauges: %+v", g)
		}
		if len(v.Conns) != 2 || v.Conns[0].State != "leaked" || v.Conns[0].ForMS != 42000 || !v.Conns[0].InTransaction || v.Conns[1].State != "idle" {
			t.Errorf("connections: %+v", v.Conns)
		}
		if len(v.Holders) != 1 {
			t.Fatalf("holders: %+v", v.Holders)
		}
		h := v.Holders[0]
		if !h.Leaked || h.HeldMS != 42000 || h.Statement != "UPDATE t SET a = ? WHERE b = ?" || len(h.Stack) == 0 ||
			!strings.HasSuffix(h.Stack[0].Function, "TestTheViewOfAPoolAtWork.func1") || !strings.Contains(h.Origin, "view_test.go:") {
			t.Errorf("holder: %+v", h)
		}
		if q := v.Latency.Held; q.Count != 1 || q.P50 < 2000 || q.P50 > 2250 || q.Max != q.P50 {
			t.Errorf("held: %+v", q)
		}
		if n := len(v.Samples); n < 40 || v.Samples[n-1].InUse != 1 || v.Samples[n-1].Max != 3 {
			t.Errorf("%d samples, the last %+v", n, v.Samples[n-1])
		}
		if e := find(t, v, debugui.KindLeak); e.Conn != 1 || e.Count != 1 {
			t.Errorf("the leak: %+v", e)
		}
		if s := v.Status.Steps; len(s) != 1 || !strings.HasPrefix(s[0], "Connection 1 was acquired by debugui_test.TestTheViewOfAPoolAtWork.func1 (debugui/view_test.go:") {
			t.Errorf("steps: %q", s)
		}
		must(t, tx.Rollback())
		time.Sleep(1500 * time.Millisecond) // a sweep
		if v := l.view(); v.Status.Level != debugui.Healthy || len(v.Holders) != 0 || find(t, v, debugui.KindLeak).Text != "no longer held" {
			t.Errorf("after the rollback: %+v, %s", v.Status, kinds(v))
		}
	})
}

// After an outage the number of a lost session may be another one's: the page does not say that it ends the loan's.
func TestALoanFromBeforeAnOutageIsSuspect(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{}, sqlpool.Config{MaxConns: 2})
		db := sqlpool.OpenDB(l.pool)
		defer db.Close()
		held := l.acquire()
		defer held.Release()
		if v := l.view(); len(v.Holders) != 1 || v.Holders[0].Suspect {
			t.Errorf("before: %+v", v.Holders)
		}
		l.server.On(fakedb.Exec, fakedb.Fault{Times: 1, Kill: true, Err: &fakedb.Error{Code: "57P01"}})
		if _, err := db.ExecContext(t.Context(), "UPDATE t"); err == nil {
			t.Fatal("the server shuts down, and a statement succeeds")
		}
		after := l.acquire()
		defer after.Release()
		v := l.view()
		if v.Counters.Generation == 0 || len(v.Holders) != 2 {
			t.Fatalf("%+v %+v", v.Counters, v.Holders)
		}
		for _, h := range v.Holders {
			if h.Suspect != (h.Conn == held.Conn().ID()) {
				t.Errorf("after: %+v", h)
			}
		}
	})
}

// A loan whose connection is broken already: the page does not advise to end its session,
// and says what remains.
func TestALeakOnABrokenConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := fakedb.New()
		l := open(t, debugui.Config{}, sqlpool.Config{Connector: server.ConnectorAs(func(c *fakedb.Conn) driver.Conn { return lostConn{c} })})
		held := l.acquire()
		defer held.Release()
		time.Sleep(32 * time.Second) // a leak
		v := l.view()
		if h := v.Holders[0]; !h.Leaked || h.Broken != "the server ended the connection" {
			t.Errorf("%+v", h)
		}
		if s := v.Status.Steps; len(s) != 1 || strings.Contains(s[0], "pg_terminate_backend") || !strings.Contains(s[0], "only the goroutine that acquired it can give it back") {
			t.Errorf("steps: %q", s)
		}
		if text := l.get("text"); !strings.Contains(text, "broken: the server ended the connection") {
			t.Errorf("the text:\n%s", text)
		}
	})
}

// lostConn is one whose backend has gone.
type lostConn struct{ *fakedb.Conn }

func (lostConn) LastError() error                           { return io.EOF }
func (lostConn) Backend() (pid uint32, server, role string) { return 4711, "db:5432", "primary" }

// An outage, as the page tells it: one line for each cause, however often.
func TestTheTimelineOfAnOutage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{}, sqlpool.Config{MaxConns: 2, MinIdle: 1, FailFastAfter: 3 * time.Second})
		must(t, l.pool.Warm(t.Context()))
		down := l.server.On(fakedb.Connect, fakedb.Fault{Err: errors.New("connection refused")})
		loan := l.acquire()
		must(t, loan.Retire(nil))
		// The dial that takes the loan's place among the idle may fail before the
		// loan ends: there was a connection left when it did, until the next sweep.
		time.Sleep(1500 * time.Millisecond)
		if v := l.view(); v.Status.Level != debugui.Unhealthy || v.Status.State != "retrying" || v.Outage == nil || v.Outage.Failures == 0 {
			t.Errorf("after a sweep: %+v, %+v", v.Status, v.Outage)
		}
		if s := l.view().Status.Steps; len(s) != 2 || !strings.Contains(s[0], "sqlpool check") || !strings.Contains(s[1], "Do not restart") {
			t.Errorf("steps: %q", s)
		}
		time.Sleep(5 * time.Second)
		for range 3 {
			if _, err := l.pool.Acquire(context.Background()); !errors.Is(err, sqlpool.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		}
		time.Sleep(time.Second)
		v := l.view()
		if v.Status.State != "down" || v.Samples[len(v.Samples)-1].State != "down" {
			t.Errorf("%+v", v.Status)
		}
		if e := find(t, v, debugui.KindDialFailed); e.Count < 4 || e.Text != "connection refused" {
			t.Errorf("dials: %+v", e)
		}
		if e := find(t, v, debugui.KindRefused); e.Count != 3 {
			t.Errorf("refused: %+v", e)
		}
		if e := find(t, v, debugui.KindState); !strings.HasPrefix(e.Text, "retrying → down: ") || e.Level != debugui.Unhealthy {
			t.Errorf("state: %+v", e)
		}
		if len(v.Closes) != 1 || v.Closes[0] != (debugui.Closes{Reason: "retired", Count: 1}) {
			t.Errorf("closes: %+v", v.Closes)
		}
		if n := len(v.Events); n > 8 {
			t.Errorf("%d lines: %s", n, kinds(v))
		}
		down.Remove()
		time.Sleep(20 * time.Second)
		if v := l.view(); v.Status.Level != debugui.Healthy || v.Outage != nil || find(t, v, debugui.KindState).Text != "down → up" {
			t.Errorf("afterwards: %+v, %s", v.Status, kinds(v))
		}
	})
}

func TestAConnectionThatIsBeingProvedIsValidating(t *testing.T) {
	bubble(t, func(t *testing.T) {
		asked := make(chan bool)
		l := open(t, debugui.Config{}, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{
			BeforeAcquire: func(context.Context, *sqlpool.Conn) error { <-asked; return nil },
		}}})
		got := make(chan sqlpool.Loan)
		go func() { got <- l.acquire() }()
		synctest.Wait()
		if v := l.view(); len(v.Conns) != 1 || v.Conns[0].State != "validating" {
			t.Errorf("%+v", v.Conns)
		}
		close(asked)
		loan := <-got
		if v := l.view(); v.Conns[0].State != "in_use" {
			t.Errorf("%+v", v.Conns)
		}
		must(t, loan.Release())
	})
}

func TestTheOldestWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{}, sqlpool.Config{MaxConns: 1, AcquireTimeout: 5 * time.Second})
		loan := l.acquire()
		go func() { _, _ = l.pool.Acquire(context.Background()) }() // times out
		synctest.Wait()
		time.Sleep(3 * time.Second)
		if g := l.view().Gauges; g.Waiting != 1 || g.OldestWaitMS != 3000 {
			t.Errorf("%+v", g)
		}
		time.Sleep(3 * time.Second)
		if e := find(t, l.view(), debugui.KindRefused); e.Text != "acquires timed out" {
			t.Errorf("%+v", e)
		}
		must(t, loan.Release())
	})
}

// The samples after a number are what a page that has the others asks for.
func TestSince(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{}, sqlpool.Config{})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		all := l.view().Samples
		last := all[len(all)-1].Seq
		if body := l.ask(httptest.NewRequest(http.MethodGet, "/?format=json&since=3", nil)).Body.String(); strings.Contains(body, `"seq":3,`) || !strings.Contains(body, `"seq":4,`) || last < 9 {
			t.Errorf("the last is %d; since 3: %s", last, body)
		}
		time.Sleep(400 * time.Second)
		if n := len(l.view().Samples); n != 300 {
			t.Errorf("%d samples are kept", n)
		}
	})
}

// A pool from sql.Open has no place for the page's hooks.
func TestHandlerOfAPoolWithoutTheHooks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{}, sqlpool.Config{MaxConns: 2})
		l.page = debugui.Handler(l.pool, nil, nil, debugui.Config{})
		l.view()
		loan := l.acquire()
		time.Sleep(2 * time.Second)
		down := l.server.On(fakedb.Connect, fakedb.Fault{Err: errors.New("refused")})
		defer down.Remove()
		_, _ = l.pool.Acquire(t.Context())
		v := l.view()
		if v.Latency != nil || v.Hooked || len(v.Holders) != 1 || len(v.Samples) != 2 || v.Conns[0].State != "in_use" {
			t.Errorf("%+v", v)
		}
		if v.Status.Level != debugui.Unhealthy || !strings.Contains(find(t, v, debugui.KindState).Text, "retrying") && !strings.Contains(find(t, v, debugui.KindState).Text, "down") {
			t.Errorf("%+v, %+v", v.Status, v.Events)
		}
		if e := find(t, v, debugui.KindDialFailed); e.Text != "refused" || e.Count == 0 {
			t.Errorf("%+v", e)
		}
		must(t, loan.Release())
	})
}

func TestAClosedPoolIsShown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := open(t, debugui.Config{}, sqlpool.Config{})
		must(t, l.pool.Close())
		if v := l.view(); v.Status.Level != debugui.Closed {
			t.Errorf("%+v", v.Status)
		}
	})
}

func TestTheHooksServeOnePool(t *testing.T) {
	bubble(t, func(t *testing.T) {
		u := debugui.New(debugui.Config{})
		w := httptest.NewRecorder()
		u.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("before there is a pool: %d", w.Code)
		}
		open(t, debugui.Config{}, sqlpool.Config{Hooks: []sqlpool.Hooks{u.Hooks()}})
		defer func() {
			if recover() == nil {
				t.Error("two pools have the same hooks")
			}
		}()
		open(t, debugui.Config{}, sqlpool.Config{Hooks: []sqlpool.Hooks{u.Hooks()}})
	})
}
