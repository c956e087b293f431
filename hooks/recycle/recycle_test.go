package recycle

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func newPool(t *testing.T, most, keep int, hooks ...sqlpool.Hooks) (*sqlpool.Pool, *fakedb.DB) {
	t.Helper()
	db := fakedb.New()
	p, err := sqlpool.New(sqlpool.Config{Connector: db.Connector(), MaxConns: most, MinIdle: keep, MaxDialing: most, Hooks: hooks})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, db
}

func acquire(t *testing.T, p *sqlpool.Pool, n int) []sqlpool.Loan {
	t.Helper()
	loans := make([]sqlpool.Loan, n)
	for i := range loans {
		var err error
		if loans[i], err = p.Acquire(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return loans
}

func release(t *testing.T, loans ...sqlpool.Loan) {
	t.Helper()
	for _, l := range loans {
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
	}
}

// retired gathers the ages at which connections were closed before the pool
// was, all for the reason with the code.
type retired struct {
	code string
	mu   sync.Mutex
	list []time.Duration
}

func (r *retired) hooks(t *testing.T) sqlpool.Hooks {
	return sqlpool.Hooks{OnClose: func(e sqlpool.Closed) {
		r.mu.Lock()
		defer r.mu.Unlock()
		switch got := sqlpool.ReasonCode(e.Reason); got {
		case sqlpool.CodeShutdown:
		case r.code:
			r.list = append(r.list, e.Age)
		default:
			t.Errorf("a connection was retired for %q", got)
		}
	}}
}

// ages waits until nothing goes on and returns what was gathered.
func (r *retired) ages() []time.Duration {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list
}

func TestMaxIdleTimeKeepsMinIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := retired{code: CodeMaxIdleTime}
		var fewest atomic.Int64
		fewest.Store(10)
		watch := sqlpool.Hooks{OnSweep: func(p *sqlpool.Pool) { fewest.Store(min(fewest.Load(), int64(p.Stats().Idle))) }}
		p, db := newPool(t, 10, 3, MaxIdleTime(time.Minute), gone.hooks(t), watch)
		loans := acquire(t, p, 10)
		release(t, loans[:4]...)
		time.Sleep(30 * time.Second)
		release(t, loans[4:]...)
		time.Sleep(31 * time.Second)
		if n := len(gone.ages()); n != 4 {
			t.Errorf("%d connections were retired after a minute, want the 4 that were not borrowed", n)
		}
		time.Sleep(time.Hour)
		n := len(gone.ages())
		if c := db.Counts(); n != 7 || c.Live != 3 || c.Connects != 10 {
			t.Errorf("%d retired, %d live, %d dials; want 7, 3, 10", n, c.Live, c.Connects)
		}
		if fewest.Load() < 3 {
			t.Errorf("a sweep left %d idle", fewest.Load())
		}
	})
}

func TestMaxIdleTimeWithoutMinIdleClosesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, db := newPool(t, 5, 0, MaxIdleTime(time.Minute))
		release(t, acquire(t, p, 5)...)
		time.Sleep(62 * time.Second)
		synctest.Wait()
		if live := db.Counts().Live; live != 0 {
			t.Errorf("%d connections are live", live)
		}
	})
}

func TestMaxIdleTimeServesOnePool(t *testing.T) {
	hooks := MaxIdleTime(time.Minute)
	newPool(t, 1, 0, hooks)
	defer func() {
		if recover() == nil {
			t.Error("a second pool took the same hooks")
		}
	}()
	newPool(t, 1, 0, hooks)
}

func TestMaxUsesCountsStatementsNotLoans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := retired{code: CodeMaxUses}
		p, fake := newPool(t, 1, 0, MaxUses(3), gone.hooks(t))
		db := sqlpool.OpenDB(p)
		defer db.Close()
		exec := func(n int) {
			conn, err := db.Conn(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for range n {
				if _, err := conn.ExecContext(context.Background(), "SELECT 1"); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, step := range []struct{ statements, retired int }{
			{0, 0}, {2, 0}, {0, 0}, {1, 1}, // the third statement
			{2, 1}, {8, 2}, // in mid-loan nothing ends
		} {
			exec(step.statements)
			if n := len(gone.ages()); n != step.retired {
				t.Fatalf("after a loan of %d statements %d connections were retired, want %d", step.statements, n, step.retired)
			}
		}
		if c := fake.Counts(); c.PeakLive != 1 || c.Execs != 13 {
			t.Errorf("%d connections at once, %d statements", c.PeakLive, c.Execs)
		}
	})
}
