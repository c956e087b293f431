package sqlpool_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// filled returns a pool of n idle connections.
func filled(t *testing.T, server *fakedb.DB, shape fakedb.Shape, cfg sqlpool.Config, n int) *sqlpool.Pool {
	t.Helper()
	p := labOn(t, server, shape, cfg)
	var loans []sqlpool.Loan
	for range n {
		loans = append(loans, acquire(t, p))
	}
	for _, l := range loans {
		_ = l.Release()
	}
	return p
}

// fatal is the server's goodbye: FATAL ends the session.
var fatal = fakedb.Fault{Times: 1, Kill: true, Err: &fakedb.Error{Code: "57P01"}}

func TestAfterAFatalErrorIdleConnectionsArePingedBeforeTheyAreLent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p := filled(t, server, fakedb.Full, sqlpool.Config{MaxConns: 4}, 4)
		db := sqlpool.OpenDB(p)
		defer db.Close()
		server.On(fakedb.Exec, fatal)
		if _, err := db.Exec("INSERT t"); err == nil {
			t.Fatal("no error")
		}
		if s := p.Stats(); s.Generation != 1 || s.LastError == "" {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Second)
		for range 3 { // the last three of before, one after the other
			loan := acquire(t, p)
			defer loan.Release()
		}
		if c := server.Counts(); c.Pings != 3 {
			t.Errorf("%d pings for 3 suspects", c.Pings)
		}
		loan := acquire(t, p) // dialed since
		_ = loan.Release()
		loan = acquire(t, p)
		_ = loan.Release()
		if c := server.Counts(); c.Pings != 3 {
			t.Errorf("%d pings: what was dialed or proved since is asked again", c.Pings)
		}
	})
}

// A server restart kills what is idle without a word. The next callers must
// not notice, whether or not the driver can look at its socket, and whether or
// not a connection has ever been lent.
func TestDeadIdleConnectionsAreReplacedWithoutAnError(t *testing.T) {
	for name, shape := range map[string]fakedb.Shape{"peek": fakedb.Full, "ping": fakedb.NoAlive} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := fakedb.New()
				p := labOn(t, server, shape, sqlpool.Config{MaxConns: 10, MinIdle: 10})
				if err := p.Warm(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second)
				server.KillAll()
				for range 50 {
					loan, err := p.Acquire(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if err := loan.Conn().Exec(t.Context(), "INSERT x"); err != nil {
						t.Fatal(err)
					}
					_ = loan.Release()
				}
				if s := p.Stats(); s.AcquireCount != 50 {
					t.Errorf("rejected grants are counted as acquires: %+v", s)
				}
			})
		})
	}
}

func TestAPeekThatCannotTellIsFollowedByAPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p := filled(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, SweepInterval: time.Hour}, 1)
		time.Sleep(time.Second)
		_ = acquire(t, p).Release()
		if c := server.Counts(); c.Alives != 1 || c.Pings != 0 {
			t.Errorf("a clear peek: %+v", c)
		}
		time.Sleep(time.Second)
		server.On(fakedb.Alive, fakedb.Fault{Times: 1, Err: errSkip})
		_ = acquire(t, p).Release()
		if c := server.Counts(); c.Alives != 2 || c.Pings != 1 || c.Connects != 1 {
			t.Errorf("an unclear peek: %+v", c)
		}
		_ = acquire(t, p).Release()
		if c := server.Counts(); c.Alives != 2 {
			t.Errorf("a connection used this moment is peeked at: %+v", c)
		}
		time.Sleep(31 * time.Second)
		_ = acquire(t, p).Release()
		if c := server.Counts(); c.Pings != 2 {
			t.Errorf("idle for longer than PingAfter: %+v", c)
		}
	})
}

// With the plug pulled, one ping that is not answered puts the others under
// suspicion, within its own short limit. They are asked all at once, and no caller
// waits for them.
func TestAPingThatIsNotAnsweredIsEvidenceAgainstTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p := filled(t, server, fakedb.NoAlive, sqlpool.Config{MaxConns: 3, PingTimeout: 300 * time.Millisecond}, 3)
		time.Sleep(1500 * time.Millisecond)
		silent := server.On(fakedb.Ping, fakedb.Fault{Hang: fakedb.UntilAbort}) // deaf to its context
		a := <-queue(t.Context(), p)
		if a.err != nil || a.took != 300*time.Millisecond || p.Stats().Generation != 1 {
			t.Errorf("after %v: %v, generation %d", a.took, a.err, p.Stats().Generation)
		}
		silent.Remove()
		_ = a.loan.Release()
	})
}

func TestACallersOwnCancelIsNoEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p := filled(t, server, fakedb.NoAlive, sqlpool.Config{MaxConns: 3}, 3)
		time.Sleep(1500 * time.Millisecond)
		server.On(fakedb.Ping, fakedb.Fault{Times: 1, Hang: fakedb.UntilDone})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := p.Acquire(ctx)
		if e := refused(t, err, sqlpool.ErrAcquireTimeout); e.Phase != sqlpool.PhaseValidating {
			t.Error(err)
		}
		if s := p.Stats(); s.Generation != 0 || s.State != sqlpool.StateUp {
			t.Errorf("%+v", s)
		}
	})
}

// lib/pq finds at times only at the next call that it has given the connection up, when the
// context of the call before ended in the same moment as that call did. What breaks on the
// network, and what the server says, is evidence all the same.
func TestAConnectionThatItsDriverGaveUpLateIsNoEvidence(t *testing.T) {
	type end struct {
		broke, says error
		evidence    uint64
	}
	for name, end := range map[string]end{
		"the driver":  {net.ErrClosed, driver.ErrBadConn, 0},
		"the network": {io.EOF, driver.ErrBadConn, 1},
		"the server":  {nil, &fakedb.Error{Code: "57P01"}, 1}, // pgx closes after a FATAL error, and has read no further
	} {
		for who, ask := range map[string]func(*sqlpool.Pool){
			"an acquire": func(p *sqlpool.Pool) { _ = acquire(t, p).Release() },
			"a sweep":    func(*sqlpool.Pool) { time.Sleep(10 * time.Second); synctest.Wait() },
		} {
			t.Run(name+"/"+who, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := fakedb.New()
					shape := func(c *fakedb.Conn) driver.Conn { return lateConn{c, end.broke} }
					p := filled(t, server, shape, sqlpool.Config{MaxConns: 2, SweepInterval: 10 * time.Second}, 2)
					server.On(fakedb.Alive, fakedb.Fault{Err: errSkip})
					time.Sleep(2 * time.Second)
					found := server.On(fakedb.Ping, fakedb.Fault{Times: 1, Kill: true, Err: end.says})
					ask(p)
					if found.Hits() != 1 {
						t.Fatal("no ping")
					}
					if s := p.Stats(); s.Generation != end.evidence || (s.LastError != "") != (end.evidence > 0) {
						t.Errorf("generation %d, %q", s.Generation, s.LastError)
					}
				})
			})
		}
	}
}

// lateConn is Full as a driver that says what broke its connection.
type lateConn struct {
	*fakedb.Conn
	broke error
}

func (c lateConn) LastError() error { return c.broke }

// A driver that can neither look nor ask cannot prove that a connection
// outlived what killed another one.
func TestASuspectThatCannotBeAskedIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p := filled(t, server, fakedb.Minimal, sqlpool.Config{MaxConns: 2}, 2)
		time.Sleep(time.Hour) // no suspicion, no question
		_ = acquire(t, p).Release()
		db := sqlpool.OpenDB(p)
		defer db.Close()
		if _, err := db.Exec("FAIL 57P01"); err == nil {
			t.Fatal("no error")
		}
		synctest.Wait()
		before := server.Counts().Connects
		_ = acquire(t, p).Release()
		if c := server.Counts(); c.Connects != before+1 {
			t.Errorf("%d dials since: the suspect was lent", c.Connects-before)
		}
	})
}

func TestADriverThatPanicsWhenAskedLosesItsConnectionOnly(t *testing.T) {
	for _, point := range []fakedb.Point{fakedb.Alive, fakedb.Ping, fakedb.ResetSession, fakedb.IsValid, fakedb.Close, fakedb.Abort} {
		t.Run(point.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := fakedb.New()
				p := filled(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, PingAfter: time.Millisecond}, 1)
				time.Sleep(time.Second)
				rule := server.On(point, fakedb.Fault{Times: 1, Panic: "oh"})
				loan := acquire(t, p)
				_ = loan.Release()
				_ = acquire(t, p).Retire(errors.New("to see Close"))
				_ = acquire(t, p).Release()
				synctest.Wait()
				if s := p.Stats(); s.Open != 1 || s.Idle != 1 {
					t.Errorf("%+v", s)
				}
				if rule.Hits() == 0 && point != fakedb.Abort {
					t.Error("never called")
				}
			})
		})
	}
}
