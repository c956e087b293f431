package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

type leaks struct{ atomic.Int64 }

func (l *leaks) Leaks() int { return int(l.Load()) }

// bubble runs a test on a pool with a monitor, in fake time.
func bubble(t *testing.T, cfg health.Config, pool sqlpool.Config, test func(*testing.T, *health.Monitor, *sqlpool.Pool, *fakedb.DB)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		m := health.New(cfg)
		pool.Connector = db.Connector()
		pool.Hooks = append(pool.Hooks, m.Hooks())
		p, err := sqlpool.New(pool)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		test(t, m, p, db)
	})
}

func expect(t *testing.T, m *health.Monitor, state health.State, reason string) {
	t.Helper()
	synctest.Wait()
	s := m.Status()
	if s.State != state {
		t.Errorf("%v %q, want %v", s.State, s.Reasons, state)
	}
	if reason == "" && len(s.Reasons) > 0 || !strings.Contains(strings.Join(s.Reasons, "; "), reason) {
		t.Errorf("reasons %q, want %q", s.Reasons, reason)
	}
}

func nextSweep() { time.Sleep(sqlpool.DefaultSweepInterval + time.Millisecond) }

func TestDialingIsNotOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		db.On(fakedb.Connect, fakedb.Fault{Delay: 2500 * time.Millisecond})
		m := health.New(health.Config{})
		p, err := sqlpool.New(sqlpool.Config{Connector: db.Connector(), MinIdle: 1, Hooks: []sqlpool.Hooks{m.Hooks()}})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		expect(t, m, health.Starting, "no connection has been opened yet")
		nextSweep()
		expect(t, m, health.Starting, "no connection has been opened yet")
		time.Sleep(1500 * time.Millisecond) // the dial has just ended; the next sweep is half a second away
		expect(t, m, health.Healthy, "")
	})
}

func TestALazyPoolIsHealthyBeforeItsFirstDial(t *testing.T) {
	bubble(t, health.Config{}, sqlpool.Config{}, func(t *testing.T, m *health.Monitor, _ *sqlpool.Pool, _ *fakedb.DB) {
		expect(t, m, health.Healthy, "")
	})
}

func TestAnOutageIsUnhealthyAndItsEndHealthyAtOnce(t *testing.T) {
	var changes []string
	cfg := health.Config{OnChange: func(from, to health.Status) {
		changes = append(changes, from.State.String()+">"+to.State.String())
	}}
	bubble(t, cfg, sqlpool.Config{MinIdle: 2}, func(t *testing.T, m *health.Monitor, p *sqlpool.Pool, db *fakedb.DB) {
		expect(t, m, health.Healthy, "")
		db.SetDown(nil)
		db.KillAll()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Acquire(ctx); err == nil { // it finds the dead connections and causes dials
			t.Fatal("acquired from a dead server")
		}
		expect(t, m, health.Unhealthy, "connection refused")
		before := m.Status()
		if before.LastError == "" || before.LastErrorAt.IsZero() {
			t.Errorf("no last error: %+v", before)
		}
		db.SetUp()
		time.Sleep(17 * time.Second) // the longest backoff
		expect(t, m, health.Healthy, "")
		if after := m.Status(); !after.Since.After(before.Since) {
			t.Errorf("healthy since %v, unhealthy since %v", after.Since, before.Since)
		}
		// On the way down it is degraded for as long as one of the two dead
		// connections has not been found out.
		seen := strings.Replace(strings.Join(changes, " "), "healthy>degraded degraded>unhealthy", "healthy>unhealthy", 1)
		if want := "starting>healthy healthy>unhealthy unhealthy>healthy"; seen != want {
			t.Errorf("changes %q, want %q", seen, want)
		}
	})
}

func TestLeaksDegrade(t *testing.T) {
	l := &leaks{}
	bubble(t, health.Config{Leaks: l}, sqlpool.Config{}, func(t *testing.T, m *health.Monitor, _ *sqlpool.Pool, _ *fakedb.DB) {
		l.Store(2)
		nextSweep()
		expect(t, m, health.Degraded, "2 loans are held too long")
		l.Store(0)
		nextSweep()
		expect(t, m, health.Healthy, "")
	})
}

func TestAFullQueueAndTimeoutsDegrade(t *testing.T) {
	bubble(t, health.Config{Waiting: 2}, sqlpool.Config{MaxConns: 1, AcquireTimeout: 5 * time.Second}, func(t *testing.T, m *health.Monitor, p *sqlpool.Pool, _ *fakedb.DB) {
		loan, err := p.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			go func() {
				if l, err := p.Acquire(t.Context()); err == nil {
					l.Release()
				}
			}()
		}
		nextSweep()
		expect(t, m, health.Degraded, "3 acquires wait")
		time.Sleep(5 * time.Second)
		expect(t, m, health.Degraded, "3 acquires timed out or were refused within 30s")
		if err := loan.Release(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(35 * time.Second)
		expect(t, m, health.Healthy, "")
	})
}

func TestCallersOwnCancelsChangeNothing(t *testing.T) {
	bubble(t, health.Config{}, sqlpool.Config{MaxConns: 1}, func(t *testing.T, m *health.Monitor, p *sqlpool.Pool, _ *fakedb.DB) {
		loan, err := p.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer loan.Release()
		for range 50 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			if _, err := p.Acquire(ctx); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		nextSweep()
		expect(t, m, health.Healthy, "")
	})
}

func TestKeepaliveReplacesADeadConnection(t *testing.T) {
	bubble(t, health.Config{Keepalive: 10 * time.Second}, sqlpool.Config{MinIdle: 1}, func(t *testing.T, _ *health.Monitor, p *sqlpool.Pool, db *fakedb.DB) {
		time.Sleep(35 * time.Second)
		if n := db.Counts().Pings; n != 3 {
			t.Errorf("%d pings in 35 s, want 3", n)
		}
		db.KillAllWith(fakedb.Death{Hidden: true})
		time.Sleep(12 * time.Second)
		if s := p.Stats(); s.CloseCount != 1 || s.Idle != 1 || s.AcquireCount != 0 {
			t.Errorf("the dead connection was not replaced: %+v", s)
		}
	})
}

func TestCheckOnAcquirePings(t *testing.T) {
	bubble(t, health.Config{CheckOnAcquire: true}, sqlpool.Config{}, func(t *testing.T, _ *health.Monitor, p *sqlpool.Pool, db *fakedb.DB) {
		for range 3 {
			loan, err := p.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			loan.Release()
		}
		if n := db.Counts().Pings; n != 3 {
			t.Errorf("%d pings for 3 acquires", n)
		}
	})
}

func TestHandlers(t *testing.T) {
	bubble(t, health.Config{}, sqlpool.Config{Name: "orders", MinIdle: 1}, func(t *testing.T, m *health.Monitor, p *sqlpool.Pool, db *fakedb.DB) {
		synctest.Wait()
		code, body := get(t, m.Ready())
		if code != http.StatusOK || body["status"] != "healthy" || body["pool"] != "orders" || len(body["reasons"].([]any)) != 0 {
			t.Errorf("ready: %d %v", code, body)
		}
		db.SetDown(nil)
		db.KillAll()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p.Acquire(ctx)
		if code, body = get(t, m.Ready()); code != http.StatusServiceUnavailable || body["status"] != "unhealthy" {
			t.Errorf("ready during an outage: %d %v", code, body)
		}
		if code, body = get(t, m.Live()); code != http.StatusOK {
			t.Errorf("live during an outage: %d %v", code, body)
		}
		p.Close()
		if code, _ = get(t, m.Live()); code != http.StatusServiceUnavailable {
			t.Errorf("live after Close: %d", code)
		}
		if code, body = get(t, m.Ready()); code != http.StatusServiceUnavailable {
			t.Errorf("ready after Close: %d %v", code, body)
		}
	})
}

// A driver's error of a dial has the user, the database and the address.
func TestProbesNameNeitherServerNorUser(t *testing.T) {
	const secret = "user=app database=orders host=db.internal: connection refused"
	for _, held := range []bool{false, true} { // unhealthy, degraded
		bubble(t, health.Config{}, sqlpool.Config{MaxConns: 2}, func(t *testing.T, m *health.Monitor, p *sqlpool.Pool, db *fakedb.DB) {
			if loan, err := p.Acquire(t.Context()); err != nil {
				t.Fatal(err)
			} else if held {
				defer loan.Release()
			} else if err := loan.Release(); err != nil {
				t.Fatal(err)
			}
			down := db.On(fakedb.Connect, fakedb.Fault{Err: errors.New(secret)})
			defer down.Remove()
			if !held {
				db.KillAll()
				nextSweep()
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := p.Acquire(ctx); err == nil {
				t.Fatal("acquired")
			}
			nextSweep()
			if s := m.Status(); !strings.Contains(strings.Join(s.Reasons, " "), secret) || s.LastError != secret {
				t.Errorf("the status: %+v", s)
			}
			for name, h := range map[string]http.Handler{"ready": m.Ready(), "live": m.Live()} {
				_, body := get(t, h)
				reasons, _ := body["reasons"].([]any)
				if text := fmt.Sprint(body); strings.Contains(text, "db.internal") || len(reasons) != 1 || strings.HasSuffix(fmt.Sprint(reasons[0]), ": ") {
					t.Errorf("%s: %v", name, body)
				}
			}
			code, body := get(t, m.Details())
			if text := fmt.Sprint(body["reasons"]); !strings.Contains(text, secret) || body["last_error"] != secret || (code == http.StatusOK) != held {
				t.Errorf("details: %d %v", code, body)
			}
		})
	}
}

func get(t *testing.T, h http.Handler) (int, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%v in %q", err, w.Body)
	}
	return w.Code, body
}

func TestReadingTheStatusAllocatesNothing(t *testing.T) {
	m := health.New(health.Config{})
	if n := testing.AllocsPerRun(100, func() { _ = m.Status() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkStatus(b *testing.B) {
	m := health.New(health.Config{})
	b.ReportAllocs()
	for b.Loop() {
		_ = m.Status()
	}
}

// A network that swallows everything, 100 idle connections and a keepalive of 5 s:
// the process is never taken to be stuck, and readiness knows soon.
func TestADarkNetworkIsNotReadyAndNeverStuck(t *testing.T) {
	bubble(t, health.Config{Keepalive: 5 * time.Second}, sqlpool.Config{MaxConns: 100, MinIdle: 100}, func(t *testing.T, m *health.Monitor, p *sqlpool.Pool, db *fakedb.DB) {
		if err := p.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * time.Second)
		dark := db.Script(func(c fakedb.Call) fakedb.Fault {
			switch c.Point {
			case fakedb.Ping, fakedb.Connect:
				return fakedb.Fault{Hang: fakedb.UntilDone}
			case fakedb.Close:
				return fakedb.Fault{Hang: fakedb.UntilAbort}
			}
			return fakedb.Fault{}
		})
		start, known := time.Now(), time.Duration(0)
		for time.Since(start) < 2*time.Minute {
			if code, body := get(t, m.Live()); code != http.StatusOK {
				t.Fatalf("/livez %d after %v: %v", code, time.Since(start), body)
			}
			code, _ := get(t, m.Ready())
			if code != http.StatusOK && known == 0 {
				known = time.Since(start)
			}
			if code == http.StatusOK && known != 0 {
				t.Fatalf("ready after %v of darkness", time.Since(start))
			}
			time.Sleep(50 * time.Millisecond)
		}
		if limit := 5*time.Second + 2*sqlpool.DefaultPingTimeout; known == 0 || known > limit {
			t.Errorf("/readyz knew after %v, want %v at most", known, limit)
		}
		dark.Remove()
		dark.Release()
	})
}

// Who reads an error, the page or a report of health finds one wording.
func TestAPauseHasOneWording(t *testing.T) {
	bubble(t, health.Config{}, sqlpool.Config{AcquireTimeout: time.Second}, func(t *testing.T, m *health.Monitor, p *sqlpool.Pool, _ *fakedb.DB) {
		p.Pause()
		if _, err := p.Acquire(t.Context()); err == nil || !strings.Contains(err.Error(), health.ReasonPaused) {
			t.Errorf("the error of an acquire: %v", err)
		}
		time.Sleep(5 * time.Second)
		if s := m.Status(); !slices.Contains(s.Reasons, health.ReasonPaused) {
			t.Errorf("the reasons: %q", s.Reasons)
		}
	})
}

// No caller comes while readiness is 503, and the backoff is at its longest: it is
// the question itself that has the pool look.
func TestReadinessComesBackWithinASecondOfTheServer(t *testing.T) {
	for _, quiet := range []time.Duration{3 * time.Second, 20 * time.Second, 5 * time.Minute} {
		bubble(t, health.Config{}, sqlpool.Config{}, func(t *testing.T, m *health.Monitor, p *sqlpool.Pool, db *fakedb.DB) {
			loan, err := p.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			db.SetDown(nil)
			_ = loan.Retire(nil)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := p.Acquire(ctx); err == nil {
				t.Fatal("acquired")
			}
			ask := func(d time.Duration) bool {
				for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
					if code, _ := get(t, m.Ready()); code == http.StatusOK {
						return true
					}
				}
				return false
			}
			if ask(quiet) {
				t.Fatal("ready without a server")
			}
			tried := db.Counts().ConnectsTried
			if most := 60 + int(quiet/time.Second)*11/10; tried > most {
				t.Errorf("%d dials in %v", tried, quiet)
			}
			db.SetUp()
			start := time.Now()
			if !ask(time.Minute) || time.Since(start) > 1500*time.Millisecond {
				t.Errorf("after %v: ready %v after its return", quiet, time.Since(start))
			}
		})
	}
}

// 5 callers on 5 connections, and every further dial is refused.
func TestAPoolWhoseConnectionsAllWorkIsReady(t *testing.T) {
	bubble(t, health.Config{}, sqlpool.Config{MaxConns: 10}, func(t *testing.T, m *health.Monitor, p *sqlpool.Pool, db *fakedb.DB) {
		var loans []sqlpool.Loan
		for range 5 {
			loan, err := p.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			loans = append(loans, loan)
		}
		db.On(fakedb.Connect, fakedb.Fault{Err: &fakedb.Error{Code: "08P01", Msg: "no more connections allowed (max_client_conn)"}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Acquire(ctx); err == nil {
			t.Fatal("acquired")
		}
		for _, l := range loans {
			_ = l.Release()
		}
		for range 5 {
			go func() {
				for t.Context().Err() == nil {
					loan, err := p.Acquire(t.Context())
					if err != nil {
						return
					}
					time.Sleep(20 * time.Millisecond)
					_ = loan.Release()
				}
			}()
		}
		for range 120 {
			time.Sleep(500 * time.Millisecond)
			if code, body := get(t, m.Ready()); code != http.StatusOK || body["status"] != "degraded" {
				t.Fatalf("%d %v", code, body)
			}
		}
	})
}

func TestWritesRefusedEverywhereDegrade(t *testing.T) {
	bubble(t, health.Config{}, sqlpool.Config{}, func(t *testing.T, m *health.Monitor, p *sqlpool.Pool, db *fakedb.DB) {
		pool := sqlpool.OpenDB(p)
		defer pool.Close()
		for range 200 {
			if _, err := pool.Exec("FAIL 25006"); err == nil {
				t.Fatal("no error")
			}
		}
		nextSweep()
		expect(t, m, health.Degraded, "200 writes were refused within 30s because the server only reads (SQLSTATE 25006)")
		if s := m.Status(); !strings.Contains(s.LastError, "25006") {
			t.Errorf("last error %q", s.LastError)
		}
		if c := db.Counts(); c.Connects != 1 {
			t.Errorf("%d dials for a program that did not ask for a primary", c.Connects)
		}
		time.Sleep(32 * time.Second)
		expect(t, m, health.Healthy, "")
	})
}

// A pool whose first dial is under way is not ready, and nothing is wrong with it;
// when that dial has failed, something is.
func TestStartingIsNotUnhealthy(t *testing.T) {
	m := health.New(health.Config{})
	if s := m.Status(); s.State != health.Starting || s.State.String() != "starting" {
		t.Errorf("before the pool starts: %v %q", s.State, s.Reasons)
	}
	if code, body := get(t, m.Live()); code != http.StatusOK || body["status"] != "starting" {
		t.Errorf("live before the pool starts: %d %v", code, body)
	}
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		db.On(fakedb.Connect, fakedb.Fault{Delay: 2500 * time.Millisecond, Err: errors.New("refused")})
		m := health.New(health.Config{})
		p, err := sqlpool.New(sqlpool.Config{Connector: db.Connector(), MinIdle: 1, Hooks: []sqlpool.Hooks{m.Hooks()}})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		nextSweep()
		expect(t, m, health.Starting, "no connection has been opened yet")
		if code, body := get(t, m.Ready()); code != http.StatusServiceUnavailable || body["status"] != "starting" {
			t.Errorf("ready while starting: %d %v", code, body)
		}
		if code, _ := get(t, m.Live()); code != http.StatusOK {
			t.Errorf("live while starting: %d", code)
		}
		time.Sleep(2 * time.Second)
		expect(t, m, health.Unhealthy, "refused")
	})
}

func TestOneIsNotMany(t *testing.T) {
	bubble(t, health.Config{Waiting: 1, Timeouts: 1}, sqlpool.Config{MaxConns: 1, AcquireTimeout: 5 * time.Second}, func(t *testing.T, m *health.Monitor, p *sqlpool.Pool, _ *fakedb.DB) {
		loan, err := p.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer loan.Release()
		go func() { _, _ = p.Acquire(t.Context()) }()
		nextSweep()
		expect(t, m, health.Degraded, "1 acquire waits for a connection")
		time.Sleep(5 * time.Second)
		expect(t, m, health.Degraded, "1 acquire timed out or was refused within 30s")
	})
}

func TestTheHooksServeOnePool(t *testing.T) {
	hooks := health.New(health.Config{}).Hooks()
	open := func() *sqlpool.Pool {
		p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector(), Hooks: []sqlpool.Hooks{hooks}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	defer open().Close()
	defer func() {
		if p := recover(); !strings.HasPrefix(fmt.Sprint(p), "health: ") {
			t.Errorf("a second pool: %v", p)
		}
	}()
	open().Close()
}
