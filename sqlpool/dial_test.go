package sqlpool_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// 50 callers, a dial of 150 ms and queries of 2 ms: what comes back serves the
// queue long before 50 dials would have ended.
func TestABurstIsServedByFewConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 50, MaxDialing: 4})
		server.On(fakedb.Connect, fakedb.Fault{Delay: 150 * time.Millisecond})
		start := time.Now()
		var callers []<-chan asked
		for range 50 {
			callers = append(callers, queue(t.Context(), p))
		}
		for _, c := range callers {
			go func() {
				a := <-c
				time.Sleep(2 * time.Millisecond)
				_ = a.loan.Release()
			}()
		}
		time.Sleep(150*time.Millisecond + 26*time.Millisecond)
		synctest.Wait()
		if s := p.Stats(); s.ReleaseCount != 50 {
			t.Errorf("%d of 50 served after %v", s.ReleaseCount, time.Since(start))
		}
		time.Sleep(time.Second)
		if c := server.Counts(); c.PeakDialing > 4 || c.Connects > 8 {
			t.Errorf("%d dials, %d at once; want at most two rounds of 4", c.Connects, c.PeakDialing)
		}
	})
}

// The wait ends when the hooks have seen the new connection, and not before it began.
func TestAWaitLastsAsLongAsTheHooksOfItsDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waited time.Duration
		p, _ := lab(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{
			OnOpen:    func(sqlpool.Opened) { time.Sleep(10 * time.Millisecond) },
			OnAcquire: func(a sqlpool.Acquired) { waited = a.Waited },
		}}})
		ctx, cancel := context.WithCancel(t.Context())
		first := queue(ctx, p)
		time.Sleep(time.Millisecond)
		cancel()
		<-first
		a := <-queue(t.Context(), p) // comes while OnOpen sees the connection
		must(t, a.err)
		const want = 9 * time.Millisecond
		if s := p.Stats(); a.took != want || waited != want || s.WaitTime != want || s.MaxWait != want {
			t.Errorf("waited %v, the hook was told %v, counted %v", a.took, waited, s.WaitTime)
		}
		must(t, a.loan.Release())
	})
}

func TestNoMoreDialsThanWaitersAndMinIdleNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 10, MinIdle: 1, MaxDialing: 10})
		if err := p.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		server.On(fakedb.Connect, fakedb.Fault{Delay: time.Second})
		loan := acquire(t, p) // takes the idle one: one dial for MinIdle
		one, two := queue(t.Context(), p), queue(t.Context(), p)
		synctest.Wait()
		if s := p.Stats(); s.Dialing != 3 || s.Waiting != 2 {
			t.Errorf("2 waiters and 1 idle wanted: %+v", s)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s := p.Stats(); s.Open != 4 || s.Idle != 1 || s.Dialing != 0 {
			t.Errorf("%+v", s)
		}
		_, _, _ = loan.Release(), (<-one).loan.Release(), (<-two).loan.Release()
	})
}

func TestAReleaseBeatsAPendingDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 2})
		loan := acquire(t, p)
		server.On(fakedb.Connect, fakedb.Fault{Delay: 3 * time.Second})
		first := queue(t.Context(), p)
		time.Sleep(time.Second)
		_ = loan.Release()
		a := <-first
		if a.took != time.Second {
			t.Errorf("served after %v", a.took)
		}
		time.Sleep(time.Second)
		second := queue(t.Context(), p) // is served by the dial that the first one asked for
		b := <-second
		if b.took != time.Second {
			t.Errorf("served after %v", b.took)
		}
		_, _ = a.loan.Release(), b.loan.Release()
		if c := server.Counts(); c.Connects != 2 {
			t.Errorf("%d dials", c.Connects)
		}
	})
}

func TestADialOutlivesTheCallerThatAskedForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 1})
		server.On(fakedb.Connect, fakedb.Fault{Delay: time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := p.Acquire(ctx)
		if e := refused(t, err, sqlpool.ErrAcquireTimeout); e.Phase != sqlpool.PhaseDialing {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if s, c := p.Stats(), server.Counts(); s.Idle != 1 || c.ConnectsFailed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestADialThatOverrunsConnectTimeoutIsAFailedDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 1, ConnectTimeout: 2 * time.Second})
		hung := server.On(fakedb.Connect, fakedb.Fault{Times: 1, Hang: fakedb.UntilDone})
		a := <-queue(t.Context(), p)
		if e := refused(t, a.err, sqlpool.ErrUnavailable); a.took != 2*time.Second || e.Dial == nil {
			t.Errorf("after %v: %v", a.took, a.err)
		}
		if hung.Waiting() != 0 || p.Stats().Dialing != 0 {
			t.Error("the dial goes on")
		}
		time.Sleep(time.Second)
		_ = acquire(t, p).Release()
	})
}

func TestAConnectorThatIgnoresItsContextLosesItsSlotAndItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 1, ConnectTimeout: 2 * time.Second})
		hung := server.On(fakedb.Connect, fakedb.Fault{Times: 1, Hang: fakedb.UntilReleased})
		a := <-queue(t.Context(), p)
		if refused(t, a.err, sqlpool.ErrUnavailable); a.took != 2500*time.Millisecond {
			t.Errorf("after %v: %v", a.took, a.err)
		}
		hung.Release() // a connection after all, for which no acquire waits any more
		synctest.Wait()
		if c := server.Counts(); c.Connects != 1 || c.Closes != 1 {
			t.Errorf("%+v", c)
		}
	})
}

// A server that goes away while a hook speaks to it is an outage, which callers wait
// for; what a hook itself has against a connection it will have against the next one.
func TestAConnectionLostToAHookIsNoRefusal(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		waits bool
	}{
		"the connection ended":   {io.ErrUnexpectedEOF, true},
		"the server goes down":   {&fakedb.Error{Code: "57P01", Msg: "terminating connection"}, true},
		"the driver gives it up": {driver.ErrBadConn, true},
		"the hook had no time":   {context.DeadlineExceeded, true},
		"the hook wants it gone": {errors.New("the schema is too old"), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				left := 0
				p, server := lab(t, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{{AfterConnect: func(ctx context.Context, conn *sqlpool.Conn) error {
					left--
					if err := conn.Exec(ctx, "INSERT a"); err != nil || left < 0 || c.err == driver.ErrBadConn {
						return err
					}
					return c.err
				}}}})
				if c.err == driver.ErrBadConn {
					server.On(fakedb.Exec, fakedb.Fault{Skip: 1, Times: 2, Err: c.err})
				}
				loan := acquire(t, p)
				left = 2
				_ = loan.Retire(nil)
				loan, err := p.Acquire(t.Context())
				if (err == nil) != c.waits {
					t.Fatalf("acquire: %v", err)
				}
				if err == nil {
					_ = loan.Release()
				}
			})
		})
	}
}

type connectorFunc func(context.Context) (driver.Conn, error)

func (f connectorFunc) Connect(ctx context.Context) (driver.Conn, error) { return f(ctx) }
func (f connectorFunc) Driver() driver.Driver                            { return nil }

func TestWhateverAConnectorDoesTheAcquireFailsInAnOrderlyWay(t *testing.T) {
	for name, connect := range map[string]connectorFunc{
		"an error":     func(context.Context) (driver.Conn, error) { return nil, io.ErrUnexpectedEOF },
		"ErrBadConn":   func(context.Context) (driver.Conn, error) { return nil, driver.ErrBadConn },
		"neither":      func(context.Context) (driver.Conn, error) { return nil, nil },
		"a panic":      func(context.Context) (driver.Conn, error) { panic("no entropy") },
		"a bad panic":  func(context.Context) (driver.Conn, error) { panic(driver.ErrBadConn) },
		"an odd error": func(context.Context) (driver.Conn, error) { return nil, errors.Join(io.EOF, driver.ErrBadConn) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told error
				p := newPool(t, sqlpool.Config{Connector: connect, Hooks: []sqlpool.Hooks{{OnOpen: func(o sqlpool.Opened) { told = o.Err }}}})
				_, err := p.Acquire(t.Context())
				synctest.Wait()
				e := refused(t, err, sqlpool.ErrUnavailable)
				if e.Dial == nil || told == nil || errors.Is(err, driver.ErrBadConn) {
					t.Errorf("%v, and OnOpen saw %v", err, told)
				}
				if s := p.Stats(); s.Open != 0 || s.DialErrorCount != s.DialCount || s.LastError == "" {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestAFailedDialIsFollowedByOneForTheNextWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 3, MaxDialing: 1})
		loan := acquire(t, p) // so that a failed dial is an outage and not a wrong address
		server.On(fakedb.Connect, fakedb.Fault{Times: 1, Err: io.ErrUnexpectedEOF})
		a, b := queue(t.Context(), p), queue(t.Context(), p)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for _, c := range []<-chan asked{a, b} {
			got := <-c
			if got.err != nil || got.took > 100*time.Millisecond {
				t.Errorf("after %v: %v", got.took, got.err)
			}
			_ = got.loan.Release()
		}
		_ = loan.Release()
	})
}

func TestWarmUpOutlivesTheConstructorAndWarmWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		server.On(fakedb.Connect, fakedb.Fault{Delay: time.Second})
		p := labOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: 5, MinIdle: 3})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := p.Warm(ctx)
		if refused(t, err, sqlpool.ErrAcquireTimeout); p.Stats().Idle != 0 {
			t.Error("dialing passes for open")
		}
		start := time.Now()
		if err := p.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := p.Stats(); s.Idle != 3 || time.Since(start) > time.Second {
			t.Errorf("after %v: %+v", time.Since(start), s)
		}
	})
}

func TestWarmReturnsTheFirstDialError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrong := &fakedb.Error{Code: "28P01", Msg: "password authentication failed"}
		for _, idle := range []int{0, 2} {
			server := fakedb.New()
			server.SetDown(wrong)
			p := labOn(t, server, fakedb.Full, sqlpool.Config{MinIdle: idle, Backoff: sqlpool.Backoff{First: time.Second}})
			synctest.Wait() // the first dials may have failed long ago
			start := time.Now()
			err := p.Warm(t.Context())
			if e := refused(t, err, sqlpool.ErrUnavailable); e.Dial != wrong || time.Since(start) > time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
		}
	})
}

// Between two dials of a server that is down nothing happens that Warm could wait for.
func TestWarmEndsWithThePool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		server.SetDown(&fakedb.Error{Code: "28P01", Msg: "password authentication failed"})
		p := labOn(t, server, fakedb.Full, sqlpool.Config{MinIdle: 1})
		synctest.Wait() // the first dial has failed, and the next one is not due
		warm := make(chan error, 1)
		go func() { warm <- p.Warm(t.Context()) }()
		synctest.Wait()
		must(t, p.Close())
		synctest.Wait()
		select {
		case err := <-warm:
			refused(t, err, sqlpool.ErrClosed)
		default:
			t.Error("Warm waits for a pool that is closed")
		}
	})
}
