package sqlpool_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// handOnStorm is callers of a *sql.DB whose connections come and go between
// their sessions, the queue and the idle stack, while others take them away.
type handOnStorm struct {
	t      *testing.T
	db     *sql.DB
	pool   *sqlpool.Pool
	done   atomic.Int64
	loans  sync.Map // connection → *atomic.Uint64: the loan that is out, or zero
	begun  atomic.Uint64
	ended  atomic.Uint64
	broken atomic.Int64
}

const handOnCalls = 60_000

func TestSessionsHandConnectionsOnUnderAnyLoad(t *testing.T) {
	seed := stormSeed(t)
	synctest.Test(t, func(t *testing.T) {
		s := &handOnStorm{t: t}
		server := fakedb.New()
		s.pool = labOn(t, server, fakedb.Full, sqlpool.Config{
			MaxConns: 6, MinIdle: 1, AcquireTimeout: 5 * time.Second, Hooks: []sqlpool.Hooks{s.hooks()},
		})
		s.db = sqlpool.OpenDB(s.pool)
		var wg sync.WaitGroup
		for i := range 12 { // at times more than there are connections, at times fewer
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			wg.Go(func() {
				for s.done.Add(1) < handOnCalls {
					s.call(rng)
				}
			})
		}
		stop := make(chan struct{})
		var others sync.WaitGroup
		every := func(d time.Duration, f func()) {
			others.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(d):
						f()
					}
				}
			})
		}
		every(300*time.Microsecond, func() { balanced(t, s.pool.Stats()) })
		every(700*time.Microsecond, func() {
			loan, err := s.pool.Acquire(context.Background())
			must(t, err)
			must(t, loan.Release())
		})
		every(11*time.Millisecond, func() { must(t, s.pool.Recycle(context.Background(), time.Millisecond)) })
		every(13*time.Millisecond, server.KillAll)
		every(2*time.Millisecond, func() { s.pool.Holders() })
		wg.Wait()
		close(stop)
		others.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		st := s.pool.Stats()
		balanced(t, st)
		if st.InUse != 0 || st.Idle != st.Open || st.AcquireCount != st.ReleaseCount || s.begun.Load() != s.ended.Load() || st.AcquireCount < s.begun.Load() {
			t.Errorf("%d loans announced, %d ended: %+v", s.begun.Load(), s.ended.Load(), st)
		}
		if st.WaitCount == 0 || st.WaitCount > st.AcquireCount/2 || st.Generation == 0 || s.broken.Load() == 0 {
			t.Errorf("nothing to see: %+v, %d broken calls", st, s.broken.Load())
		}
		t.Logf("%d calls, %d of them broken: %+v", s.done.Load(), s.broken.Load(), st)
		must(t, s.db.Close())
	})
}

// call does one thing with the *sql.DB, and sometimes rests for a while.
func (s *handOnStorm) call(rng *rand.Rand) {
	ctx := context.Background()
	var err error
	switch rng.IntN(8) {
	case 0:
		var tx *sql.Tx
		if tx, err = s.db.BeginTx(ctx, nil); err == nil {
			if _, err = tx.ExecContext(ctx, "INSERT x"); err == nil {
				err = tx.Commit()
			} else {
				_ = tx.Rollback()
			}
		}
	case 1:
		var conn *sql.Conn
		if conn, err = s.db.Conn(ctx); err == nil {
			time.Sleep(time.Duration(rng.IntN(200_000)))
			_, err = conn.ExecContext(ctx, "INSERT x")
			_ = conn.Close()
		}
	case 2:
		_, err = s.db.ExecContext(ctx, "SLEEP 1ms")
	default:
		_, err = s.db.ExecContext(ctx, "INSERT x")
	}
	if err != nil {
		s.broken.Add(1)
	}
	if chance(rng, 20) {
		time.Sleep(time.Duration(rng.IntN(20_000_000)))
	}
}

// hooks watch that a connection has one borrower at a time, and that each loan
// has a number of its own.
func (s *handOnStorm) hooks() sqlpool.Hooks {
	out := func(c *sqlpool.ConnRef) *atomic.Uint64 {
		n, _ := s.loans.LoadOrStore(c, new(atomic.Uint64))
		return n.(*atomic.Uint64)
	}
	last := func(c *sqlpool.ConnRef) uint64 {
		n, _ := c.Value(s).(uint64)
		return n
	}
	return sqlpool.Hooks{
		OnAcquire: func(e sqlpool.Acquired) {
			n := e.Conn.Loans()
			if other := out(e.Conn).Swap(n); other != 0 {
				s.t.Errorf("%v was lent for loan %d while loan %d was out", e.Conn, n, other)
			}
			if n <= last(e.Conn) {
				s.t.Errorf("%v: loan %d after loan %d", e.Conn, n, last(e.Conn))
			}
			e.Conn.SetValue(s, n)
			s.begun.Add(1)
		},
		OnRelease: func(e sqlpool.Released) {
			if n := e.Conn.Loans(); out(e.Conn).Swap(0) != n {
				s.t.Errorf("%v: loan %d ended and was not out", e.Conn, n)
			}
			s.ended.Add(1)
		},
	}
}
