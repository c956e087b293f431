package recycle

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

func TestDrawsFillTheJitterToTheNanosecond(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for d := time.Duration(1); d <= year; d = d*3 + 1 {
		for _, spread := range []time.Duration{0, 1, d / 4, d / 2, d - 1, d} {
			l := &lifetime{longest: d, spread: min(spread, d)}
			odd := false
			for range 200 {
				got := l.draw()
				if got < d-l.spread || got > d {
					t.Fatalf("drew %v from a lifetime of %v with a jitter of %v", got, d, l.spread)
				}
				odd = odd || got%1000 != 0
			}
			if d > time.Second && spread == d/4 && !odd {
				t.Errorf("200 draws below %v are all whole microseconds", d)
			}
		}
	}
}

func TestSmallAndLargestDraws(t *testing.T) {
	seen := map[time.Duration]bool{}
	l := &lifetime{longest: 10, spread: 3}
	for range 1000 {
		seen[l.draw()] = true
	}
	for want := time.Duration(7); want <= 10; want++ {
		if !seen[want] {
			t.Errorf("1000 draws from 7ns to 10ns have no %v", want)
		}
	}
	l = &lifetime{longest: math.MaxInt64, spread: math.MaxInt64}
	for range 1000 {
		if got := l.draw(); got < 0 {
			t.Fatalf("drew %v", got)
		}
	}
}

func TestASessionThatIsSetUpAgainKeepsItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const conns = 50
		again := sqlpool.Hooks{WhileIdle: func(ctx context.Context, c sqlpool.IdleConn) error { return c.SetUp(ctx) }}
		p, _ := newPool(t, conns, 0, MaxLifetime(100*time.Second, 100*time.Second), again)
		release(t, acquire(t, p, conns)...)
		time.Sleep(50 * time.Second)
		if n := p.Stats().Open; n < 6 { // 25 are to be expected, and none with a draw at each second
			t.Errorf("%d of %d connections are left halfway to the longest lifetime", n, conns)
		}
	})
}

// With a limit drawn anew at each sweep, the first of fifty draws to come out
// short would decide, and no connection would get old.
func TestConnectionsOpenedTogetherDoNotEndTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const conns = 100
		gone := retired{code: CodeMaxLifetime}
		p, _ := newPool(t, conns, 0, MaxLifetime(100*time.Second, 50*time.Second), gone.hooks(t))
		release(t, acquire(t, p, conns)...)
		time.Sleep(102 * time.Second)
		ages := gone.ages()
		if len(ages) != conns {
			t.Fatalf("%d of %d connections were retired", len(ages), conns)
		}
		var late int
		moments := map[time.Duration]bool{}
		for _, age := range ages {
			if age < 50*time.Second || age > 101*time.Second {
				t.Errorf("retired at the age of %v", age)
			}
			if age > 75*time.Second {
				late++
			}
			moments[age.Truncate(time.Second)] = true
		}
		if late < 20 || late > 80 || len(moments) < 20 {
			t.Errorf("%d of %d were retired in the later half, in %d different seconds", late, conns, len(moments))
		}
	})
}

func TestAQuarterIsTheDefaultJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := retired{code: CodeMaxLifetime}
		p, _ := newPool(t, 100, 0, MaxLifetime(1000*time.Second), gone.hooks(t))
		release(t, acquire(t, p, 100)...)
		time.Sleep(1001 * time.Second)
		ages := gone.ages()
		early := 0
		for _, age := range ages {
			if age < 750*time.Second {
				t.Errorf("retired at the age of %v", age)
			}
			if age < 875*time.Second {
				early++
			}
		}
		if len(ages) != 100 || early < 20 || early > 80 {
			t.Errorf("%d retired, %d of them in the first half of the jitter", len(ages), early)
		}
	})
}

func TestAConnectionInUseIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := retired{code: CodeMaxLifetime}
		p, db := newPool(t, 1, 0, MaxLifetime(time.Minute, 0), gone.hooks(t))
		loans := acquire(t, p, 1)
		time.Sleep(time.Hour)
		if n, live := len(gone.ages()), db.Counts().Live; live != 1 || n != 0 {
			t.Fatalf("%d connections live and %d closed in mid-loan", live, n)
		}
		if err := loans[0].Conn().Exec(context.Background(), "SELECT 1"); err != nil {
			t.Error(err)
		}
		release(t, loans...)
		if len(gone.ages()) != 1 {
			t.Error("the connection outlived its loan")
		}
	})
}

func TestTwoLifetimesDoNotMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := retired{code: CodeMaxLifetime}
		p, _ := newPool(t, 1, 0, MaxLifetime(time.Hour, 0), MaxLifetime(time.Minute, 0), MaxLifetime(time.Hour, 0), gone.hooks(t))
		release(t, acquire(t, p, 1)...)
		time.Sleep(62 * time.Second)
		if len(gone.ages()) != 1 {
			t.Error("the shortest lifetime was not kept")
		}
	})
}

func TestLimitsThatCannotBeKeptPanic(t *testing.T) {
	for name, f := range map[string]func() sqlpool.Hooks{
		"no lifetime":       func() sqlpool.Hooks { return MaxLifetime(0) },
		"negative lifetime": func() sqlpool.Hooks { return MaxLifetime(-time.Second) },
		"negative jitter":   func() sqlpool.Hooks { return MaxLifetime(time.Second, -1) },
		"jitter > lifetime": func() sqlpool.Hooks { return MaxLifetime(time.Second, 2*time.Second) },
		"two jitters":       func() sqlpool.Hooks { return MaxLifetime(time.Second, 1, 2) },
		"no idle time":      func() sqlpool.Hooks { return MaxIdleTime(0) },
		"no uses":           func() sqlpool.Hooks { return MaxUses(0) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
