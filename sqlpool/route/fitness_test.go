package route_test

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// load is readers of both kinds, until stop.
type load struct {
	l      *lab
	stop   context.CancelFunc
	wg     sync.WaitGroup
	mu     sync.Mutex
	served sync.Cond
	count  map[string]int
	errs   []error
}

func (l *lab) readers(t *testing.T, n int) *load {
	ctx, stop := context.WithCancel(context.Background())
	ld := &load{l: l, stop: stop, count: map[string]int{}}
	ld.served.L = &ld.mu
	for i := range n {
		ld.wg.Go(func() {
			for ctx.Err() == nil {
				var name string
				var err error
				if i%2 == 0 {
					name, err = l.whose(ctx, l.QueryRowContext(route.Replica(context.Background()), where))
				} else {
					name, err = l.inTransaction(context.Background())
				}
				ld.mu.Lock()
				ld.count[name]++
				if err != nil {
					ld.errs = append(ld.errs, err)
				}
				ld.served.Broadcast()
				ld.mu.Unlock()
			}
		})
	}
	t.Cleanup(func() { ld.end() })
	return ld
}

func (l *lab) inTransaction(ctx context.Context) (string, error) {
	tx, err := l.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return "", err
	}
	name, err := l.whose(ctx, tx.QueryRowContext(ctx, where))
	if err != nil {
		_ = tx.Rollback()
		return "", err
	}
	return name, tx.Commit()
}

func (ld *load) end() []error {
	ld.stop()
	ld.wg.Wait()
	return ld.errs
}

// next waits until n more reads have been served and returns by whom.
func (ld *load) next(t *testing.T, n int) map[string]int {
	t.Helper()
	return ld.until(t, func(_ map[string]int, total int) bool { return total >= n })
}

// serving waits until each of the servers has served a read from now on.
func (ld *load) serving(t *testing.T, servers ...string) {
	t.Helper()
	ld.until(t, func(count map[string]int, _ int) bool {
		return !slices.ContainsFunc(servers, func(s string) bool { return count[s] == 0 })
	})
}

// until counts from zero and waits until the count is as wanted.
func (ld *load) until(t *testing.T, done func(count map[string]int, total int) bool) map[string]int {
	t.Helper()
	ld.mu.Lock()
	defer ld.mu.Unlock()
	ld.count = map[string]int{}
	bound := time.AfterFunc(time.Minute, ld.served.Broadcast)
	defer bound.Stop()
	for begun := time.Now(); ; ld.served.Wait() {
		total := 0
		for _, n := range ld.count {
			total += n
		}
		if done(ld.count, total) {
			return maps.Clone(ld.count)
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("%v served in a minute; errors %v; %+v", ld.count, ld.errs, ld.l.router.Snapshot())
		}
	}
}

func TestAReplicaThatLagsIsPassedOverUntilItHasCaughtUp(t *testing.T) {
	c := ownCluster(t)
	l := c.open(t, "pgx", route.Config{MaxLag: time.Second}, nil)
	ctx := within(t)
	ld := l.readers(t, 4)
	mustExec(t, c.replicas[0], `SELECT pg_wal_replay_pause()`)
	if l.router.Await(within(t), func(s route.Snapshot) bool { return s.Replicas[0].Fit && s.Replicas[0].Lag == 0 }) != nil {
		t.Fatal("a paused replica of a quiet primary lacks nothing")
	}
	if _, err := l.ExecContext(ctx, `CREATE TABLE lag (n int)`); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	l.awaitFit(t, false, true)
	if took := time.Since(begun); took > 2*time.Second { // the lag, a question and an answer
		t.Errorf("passed over after %v", took)
	}
	if seen := ld.next(t, 500); seen["first"] > 4 || seen["primary"] != 0 { // those under way
		t.Errorf("reads ran on %v", seen)
	}
	if reason := l.router.Snapshot().Replicas[0].Reason; !strings.Contains(reason, "behind, and MaxLag is 1s") {
		t.Errorf("reason %q", reason)
	}
	mustExec(t, c.replicas[0], `SELECT pg_wal_replay_resume()`)
	l.awaitFit(t, true, true)
	ld.serving(t, "first", "second")
	if errs := ld.end(); len(errs) > 0 {
		t.Errorf("%d errors: %v", len(errs), errs[0])
	}
}

func mustExec(t *testing.T, s *pgserver.Server, sql string) {
	t.Helper()
	if err := s.Exec(within(t), sql); err != nil {
		t.Fatal(err)
	}
}

// A replica that is stopped, killed or frozen costs the statements under way on it and no other; it comes back by itself,
// and with both down the primary serves.
func TestReadersOutliveTheirReplicas(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		c := ownCluster(t)
		l := c.open(t, name, route.Config{}, func(cfg *sqlpool.Config) { cfg.MaxConns = 6 })
		const readers = 6
		ctx := within(t)
		for what, steps := range map[string][2]func() error{
			"stop":    {func() error { return c.replicas[0].Stop(ctx, pgserver.Fast) }, func() error { return c.replicas[0].Start(ctx) }},
			"kill":    {c.replicas[0].KillPostmaster, func() error { return c.replicas[0].Start(ctx) }},
			"freeze":  {c.replicas[0].Pause, c.replicas[0].Resume},
			"restart": {func() error { return c.replicas[0].Restart(ctx, pgserver.Fast) }, func() error { return nil }},
		} {
			begun := time.Now()
			ld := l.readers(t, readers)
			ld.next(t, 50)
			if err := steps[0](); err != nil {
				t.Fatal(what, err)
			}
			if what != "restart" {
				l.awaitFit(t, false, true)
			}
			if what != "freeze" { // there the statements under way wait for their server
				if seen := ld.next(t, 200); what != "restart" && (seen["first"] > readers || seen["second"] == 0) {
					t.Errorf("%s: reads ran on %v", what, seen)
				}
			}
			if err := steps[1](); err != nil {
				t.Fatal(what, err)
			}
			up := time.Now()
			l.awaitFit(t, true, true)
			t.Logf("%s: fit again after %v", what, time.Since(up))
			ld.serving(t, "first", "second")
			if errs := ld.end(); len(errs) > readers {
				t.Errorf("%s: %d errors with %d under way: %v", what, len(errs), readers, errs)
			} else {
				t.Logf("%s: %d errors, in %v", what, len(errs), time.Since(begun))
			}
		}
		for _, s := range c.replicas {
			if err := s.Stop(ctx, pgserver.Fast); err != nil {
				t.Fatal(err)
			}
		}
		l.awaitFit(t, false, false)
		for range 20 {
			if got := l.server(t, route.Replica(ctx), l); got != "primary" {
				t.Errorf("with both down a read ran on %s", got)
			}
		}
	})
}

func TestAPromotedReplicaIsLeftWithinASecond(t *testing.T) {
	c := ownCluster(t)
	l := c.open(t, "pgx", route.Config{}, nil)
	ld := l.readers(t, 4)
	ld.next(t, 50)
	begun := time.Now()
	if err := c.replicas[0].Promote(within(t)); err != nil {
		t.Fatal(err)
	}
	promoted := time.Now()
	l.awaitFit(t, false, true)
	if took := time.Since(promoted); took > time.Second {
		t.Errorf("left %v after its promotion, which took %v", took, promoted.Sub(begun))
	}
	if seen := ld.next(t, 300); seen["first"] > 4 { // those under way
		t.Errorf("reads ran on %v", seen)
	}
	if reason := l.router.Snapshot().Replicas[0].Reason; !strings.Contains(reason, "not in recovery") {
		t.Errorf("reason %q", reason)
	}
	if errs := ld.end(); len(errs) > 0 {
		t.Errorf("%d errors: %v", len(errs), errs[0])
	}
}

func TestReadsGoOnWithoutThePrimary(t *testing.T) {
	c := ownCluster(t)
	l := c.open(t, "pgx", route.Config{MaxLag: time.Second}, nil)
	l.caughtUp(t)
	ctx := within(t)
	if err := c.primary.Stop(ctx, pgserver.Fast); err != nil {
		t.Fatal(err)
	}
	if err := l.router.Await(ctx, func(s route.Snapshot) bool { return !s.Primary.Fit }); err != nil {
		t.Fatal(err)
	}
	// Ten answers of the replicas later, and beyond MaxLag.
	var answers atomic.Int64
	if err := l.router.Await(ctx, func(route.Snapshot) bool { return answers.Add(1) > 30 }); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if got := l.server(t, route.Replica(ctx), l); !isReplica(got) {
			t.Errorf("a read ran on %s", got)
		}
		if got, err := l.inTransaction(ctx); err != nil || !isReplica(got) {
			t.Errorf("a read-only transaction ran on %s: %v", got, err)
		}
	}
}

func TestWithoutReplicasReadsFailIfTheyShould(t *testing.T) {
	c := ownCluster(t)
	l := c.open(t, "pgx", route.Config{WithoutReplica: route.Fail}, nil)
	ctx := within(t)
	for _, s := range c.replicas {
		if err := s.Stop(ctx, pgserver.Fast); err != nil {
			t.Fatal(err)
		}
	}
	l.awaitFit(t, false, false)
	_, err := l.whose(ctx, l.QueryRowContext(route.Replica(ctx), where))
	var refused *route.NoReplicaError
	if !errors.As(err, &refused) || len(refused.Replicas) != 2 || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("%v", err)
	}
	if _, err := l.inTransaction(ctx); !errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
	if got := l.server(t, ctx, l); got != "primary" {
		t.Errorf("unmarked on %s", got)
	}
}

// A primary that has gone quiet behind a switch of its WAL stands beyond a page's header, where no replica arrives.
func TestAQuietPrimaryLeavesNoLag(t *testing.T) {
	c := ownCluster(t)
	l := c.open(t, "pgx", route.Config{}, nil)
	for range 20 { // the server may write a record of its own before the next answer
		mustExec(t, c.primary, `CREATE TABLE quiet (); DROP TABLE quiet`)
		mustExec(t, c.primary, `SELECT pg_switch_wal()`) // by itself: in one transaction with them, its COMMIT would lie behind the switch
		answers, arrived := 0, false
		err := l.router.Await(within(t), func(s route.Snapshot) bool {
			answers++
			p := s.Primary.LSN
			arrived = p%(1<<20) == 0 && s.Replicas[0].LSN == p && s.Replicas[1].LSN == p
			return arrived || answers > 12
		})
		if err != nil {
			t.Fatal(err)
		}
		if arrived {
			return
		}
	}
	t.Errorf("the replicas never arrived at the primary's position: %+v", l.router.Snapshot())
}
