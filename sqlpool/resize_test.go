package sqlpool_test

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sqlpool/go/sqlpool"
)

func TestResizeGivesRoomToThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 1})
		loan := acquire(t, p)
		waiting := queue(t.Context(), p)
		must(t, p.Resize(2, 1))
		got := <-waiting
		must(t, got.err)
		if s, c := p.Stats(), p.Config(); s.MaxConns != 2 || s.MinIdle != 1 || c.MaxConns != 2 || c.MinIdle != 1 {
			t.Errorf("%+v, %+v", s, c)
		}
		must(t, loan.Release())
		must(t, got.loan.Release())
	})
}

// Idle connections that are too many go at once, those in use when they come
// back, also while acquires wait; and what stays is what MaxConns says.
func TestResizeRetiresTheExcessOnRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		codes := map[string]int{}
		p, server := lab(t, sqlpool.Config{MaxConns: 6, Hooks: []sqlpool.Hooks{{OnClose: func(e sqlpool.Closed) {
			mu.Lock()
			codes[sqlpool.ReasonCode(e.Reason)]++
			mu.Unlock()
		}}}})
		var loans []sqlpool.Loan
		for range 6 {
			loans = append(loans, acquire(t, p))
		}
		must(t, loans[5].Release())
		must(t, p.Resize(2, 0))
		synctest.Wait()
		if s := p.Stats(); s.Idle != 0 || s.InUse != 5 || s.Open != 5 {
			t.Errorf("the idle one is still there, or one in use was cut: %+v", s)
		}
		waiting := queue(t.Context(), p)
		for i, l := range loans[:4] {
			must(t, l.Release())
			synctest.Wait()
			if s := p.Stats(); i < 3 && s.Waiting != 1 || s.Open > 5-i && s.Open > 2 {
				t.Errorf("after %d releases: %+v", i+1, s)
			}
		}
		got := <-waiting
		must(t, got.err)
		must(t, got.loan.Release())
		must(t, loans[4].Release())
		synctest.Wait()
		if s := p.Stats(); s.Idle != 2 || s.Open != 2 || server.Counts().Live != 2 {
			t.Errorf("at the end: %+v", s)
		}
		mu.Lock()
		if codes[sqlpool.CodeResized] != 4 || len(codes) != 1 {
			t.Errorf("closed for %v", codes)
		}
		mu.Unlock()
		must(t, p.Resize(6, 0)) // for the books
	})
}

// As many connections as the new limit allows may stay.
func TestResizeToWhatIsOpenClosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 3})
		loans := []sqlpool.Loan{acquire(t, p), acquire(t, p)}
		must(t, loans[0].Release(), loans[1].Release())
		must(t, p.Resize(2, 0))
		synctest.Wait()
		if s := p.Stats(); s.Idle != 2 || s.CloseCount != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestResizeTopsUpMinIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 4})
		must(t, p.Resize(4, 3))
		must(t, p.Warm(t.Context()))
		if s := p.Stats(); s.Idle != 3 {
			t.Errorf("%+v", s)
		}
	})
}

func TestResizeRefusesWithAllReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 4, MinIdle: 1})
		for _, test := range []struct {
			most, idle int
			want       []string
		}{
			{0, -1, []string{"MaxConns", "MinIdle"}},
			{2, 3, []string{"MinIdle is 3: it must not exceed MaxConns, which is 2"}},
			{math.MaxInt32, 0, []string{"MaxConns is 2147483647: it must not exceed 262143"}}, // an int anywhere
		} {
			err := p.Resize(test.most, test.idle)
			var field *sqlpool.FieldError
			if !errors.As(err, &field) {
				t.Fatalf("got %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in %v", want, err)
				}
			}
		}
		if s := p.Stats(); s.MaxConns != 4 || s.MinIdle != 1 {
			t.Errorf("changed all the same: %+v", s)
		}
		must(t, p.Close())
		if err := p.Resize(3, 0); !errors.Is(err, sqlpool.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}
