package sqlpool_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

func TestPauseMakesAcquiresWaitInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 2, MinIdle: 1})
		out := acquire(t, p)
		synctest.Wait()
		p.Pause()
		first, second := queue(t.Context(), p), queue(t.Context(), p)
		if s := p.Stats(); !s.Paused || s.Waiting != 2 || s.Idle != 1 || s.InUse != 1 {
			t.Errorf("paused: %+v", s)
		}
		must(t, out.Release()) // a loan that is out ends as usual, and goes to no waiter
		time.Sleep(time.Second)
		if s := p.Stats(); s.Waiting != 2 || s.Idle != 2 {
			t.Errorf("after a release: %+v", s)
		}
		if server.Counts().PeakLive != 2 {
			t.Errorf("%d connections: there are dials for those who wait", server.Counts().PeakLive)
		}
		p.Resume()
		a := <-first
		b := <-second
		if a.err != nil || b.err != nil || p.Stats().Paused {
			t.Fatalf("after Resume: %v, %v", a.err, b.err)
		}
		if s := p.Stats(); s.MaxWait != time.Second {
			t.Errorf("the longest wait is %v", s.MaxWait)
		}
		must(t, a.loan.Release())
		must(t, b.loan.Release())
	})
}

func TestResumeDialsForThoseWhoWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 2})
		p.Pause()
		waiting := queue(t.Context(), p)
		if n := server.Counts().PeakLive; n != 0 {
			t.Errorf("%d connections while paused", n)
		}
		p.Resume()
		got := <-waiting
		must(t, got.err)
		must(t, got.loan.Release())
	})
}

func TestAPausedAcquireTimesOutAndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 1, AcquireTimeout: time.Second})
		p.Pause()
		slow := queue(t.Context(), p)
		time.Sleep(500 * time.Millisecond)
		late := queue(t.Context(), p)
		got := <-slow
		if e := refused(t, got.err, sqlpool.ErrAcquireTimeout); !strings.Contains(e.Error(), "paused") {
			t.Errorf("no word of the pause: %v", e)
		}
		p.Resume()
		got = <-late
		must(t, got.err)
		must(t, got.loan.Release())
	})
}

// What a session was granted and has not used yet stays its own while the pool
// is paused, and a shutdown ends the pause.
func TestPauseAndSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 1})
		session, err := p.Connector().Connect(t.Context())
		must(t, err)
		p.Pause()
		ctx, cancel := context.WithCancel(t.Context())
		waiting := queue(ctx, p)
		time.Sleep(10 * time.Second) // the sweep takes the grant back
		if s := p.Stats(); s.Waiting != 1 || s.Idle != 1 {
			t.Errorf("%+v", s)
		}
		cancel()
		if got := <-waiting; got.err == nil {
			t.Error("lent while paused")
		}
		must(t, session.Close())
		must(t, p.Shutdown(t.Context()))
		p.Pause() // too late to mean anything
		p.Resume()
	})
}
