package sqlpool_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// A pool that is not used notices within a sweep that its server went away, and
// that it came back.
func TestAnIdlePoolNoticesThatItsServerDied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p := filled(t, server, fakedb.Full, sqlpool.Config{MinIdle: 2}, 4)
		time.Sleep(time.Second)
		server.SetDown(nil)
		server.KillAll()
		time.Sleep(2 * time.Second)
		if s := p.Stats(); s.Idle != 0 || s.State != sqlpool.StateRetrying && s.State != sqlpool.StateDown {
			t.Errorf("two seconds after its end: %+v", s)
		}
		server.SetUp()
		time.Sleep(16 * time.Second)
		if s := p.Stats(); s.Idle != 2 || s.State != sqlpool.StateUp {
			t.Errorf("after its return: %+v", s)
		}
	})
}

// Without a word from the socket, the connection is left to the next acquire or
// to a keepalive.
func TestTheSweepAsksNothingOfDriversThatCannotTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p := filled(t, server, fakedb.Std, sqlpool.Config{}, 2)
		time.Sleep(10 * time.Second)
		if c := server.Counts(); c.Pings != 0 || p.Stats().Idle != 2 {
			t.Errorf("%+v", c)
		}
	})
}

// A socket that can never be looked at is asked about as a driver without a look is:
// when PingAfter has passed, and not at each loan or sweep.
func TestASocketThatCannotBeLookedAtFollowsPingAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		server.On(fakedb.Alive, fakedb.Fault{Err: errors.ErrUnsupported})
		p := filled(t, server, fakedb.Full, sqlpool.Config{MaxConns: 2, MinIdle: 2}, 2)
		for range 50 {
			time.Sleep(10 * time.Millisecond)
			acquire(t, p).Release()
		}
		time.Sleep(10 * time.Second)
		if n := server.Counts().Pings; n != 0 {
			t.Errorf("%d pings for 50 loans and ten idle seconds, want none", n)
		}
		acquire(t, p).Release()
		if n := server.Counts().Pings; n != 1 {
			t.Errorf("%d pings for a loan after ten idle seconds, want one (PingAfter of a blind driver is %v)", n, sqlpool.DefaultPingAfterBlind)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		server.On(fakedb.Alive, fakedb.Fault{Err: errors.ErrUnsupported})
		p := filled(t, server, fakedb.Full, sqlpool.Config{MaxConns: 1, PingAfter: time.Minute}, 1)
		time.Sleep(59 * time.Second)
		acquire(t, p).Release()
		if n := server.Counts().Pings; n != 0 {
			t.Errorf("%d pings before PingAfter had passed", n)
		}
	})
}
