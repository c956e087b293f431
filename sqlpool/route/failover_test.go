package route_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool/route"
)

// failOver opens a router whose primary is whichever of the primary and the first replica takes writes, and whose replica
// is the second.
func (c *cluster) failOver(t *testing.T, driverName string) *lab {
	t.Helper()
	e := c.primary.TCP()
	both := fmt.Sprintf("postgres://%s:%s@127.0.0.1,127.0.0.1/postgres?sslmode=disable&target_session_attrs=read-write&port=%d,%d",
		e.User, e.Password, e.Port, c.replicas[0].TCP().Port)
	l := c.openOn(t, driverName, route.Config{}, nil, both, c.replicas[1].DSN("postgres"))
	l.awaitTimeline(t, 1, true)
	return l
}

// awaitTimeline waits until the primary is on the timeline, and its one replica was judged by it as wanted.
func (l *lab) awaitTimeline(t *testing.T, timeline uint32, fit bool) {
	t.Helper()
	err := l.router.Await(within(t), func(s route.Snapshot) bool {
		return s.Primary.Fit && s.Primary.Timeline == timeline && s.Replicas[0].Fit == fit
	})
	if err != nil {
		t.Fatalf("%v: %+v", err, l.router.Snapshot())
	}
}

// The second replica has replayed what the first, which is promoted, has not: it can never follow, though its position
// lies beyond all that the new primary writes.
func TestAReplicaThatCannotFollowTheNewPrimaryIsPassedOver(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		c := ownCluster(t)
		l := c.failOver(t, name)
		ctx := within(t)
		mustExec(t, c.primary, `CREATE TABLE diverged (n int)`)
		l.caughtUp(t)
		if err := c.replicas[0].Promote(ctx); err != nil {
			t.Fatal(err)
		}
		mustExec(t, c.primary, `CREATE TABLE lost AS SELECT repeat('x', 100) FROM generate_series(1, 100000)`)
		if err := c.primary.WaitStreaming(ctx, c.replicas[1]); err != nil {
			t.Fatal(err)
		}
		if err := c.primary.Stop(ctx, pgserver.Immediate); err != nil {
			t.Fatal(err)
		}
		var session context.Context
		if err := l.router.Await(ctx, func(s route.Snapshot) bool { return s.Primary.Fit && s.Primary.LSN < s.Replicas[0].LSN }); err != nil {
			t.Fatalf("%v: %+v", err, l.router.Snapshot())
		}
		for {
			session = route.Session(ctx)
			if _, err := l.ExecContext(session, `INSERT INTO diverged VALUES (1)`); err == nil {
				break
			} else if ctx.Err() != nil {
				t.Fatal(err)
			}
		}
		// An answer of each, and one more, after the write.
		answers := 0
		if err := l.router.Await(ctx, func(route.Snapshot) bool { answers++; return answers > 8 }); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := l.QueryRowContext(route.Replica(session), `SELECT count(*) FROM diverged`).Scan(&n); err != nil || n == 0 {
			t.Errorf("a session finds %d rows of its own (%v)", n, err)
		}
		if s := l.router.Snapshot().Replicas[0]; s.Fit || !strings.Contains(s.Reason, "timeline 1, and the primary is on 2") {
			t.Errorf("fit %v: %s", s.Fit, s.Reason)
		}
	})
}

// A replica that follows the new primary is back as soon as it is told to.
func TestAReplicaThatFollowsTheNewPrimaryIsBack(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		c := ownCluster(t)
		l := c.failOver(t, name)
		ctx := within(t)
		l.caughtUp(t)
		if err := c.primary.Stop(ctx, pgserver.Fast); err != nil {
			t.Fatal(err)
		}
		if err := c.replicas[0].Promote(ctx); err != nil {
			t.Fatal(err)
		}
		l.awaitTimeline(t, 2, false)
		to := c.replicas[0].Socket()
		mustExec(t, c.replicas[1], fmt.Sprintf(`ALTER SYSTEM SET primary_conninfo = 'host=%s port=%d user=postgres'`, to.Host, to.Port))
		mustExec(t, c.replicas[1], `SELECT pg_reload_conf()`)
		l.awaitTimeline(t, 2, true)
		session := route.Session(ctx)
		if _, err := l.ExecContext(session, `CREATE TABLE followed ()`); err != nil {
			t.Fatal(err)
		}
		if got := l.server(t, route.Replica(session), l); got != "first" {
			t.Errorf("right after its write a session reads from %s", got)
		}
		if err := l.router.Await(ctx, func(route.Snapshot) bool { return l.router.Reached(session) }); err != nil {
			t.Fatal(err)
		}
		if got := l.server(t, route.Replica(session), l); got != "second" {
			t.Errorf("later it reads from %s", got)
		}
	})
}

// Where the primary should be there is a server in recovery, as behind a balancer's address after a switchover. What a
// session has written may not be there.
func TestASessionDoesNotReadFromAPrimaryInRecovery(t *testing.T) {
	forEachDriver(t, func(t *testing.T, name string) {
		c := sharedCluster(t)
		here := c.open(t, name, route.Config{}, nil)
		ctx := within(t)
		written := route.Session(ctx)
		if _, err := here.ExecContext(written, `CREATE TABLE IF NOT EXISTS elsewhere (); INSERT INTO elsewhere DEFAULT VALUES`); err != nil {
			t.Fatal(err)
		}
		token, err := here.router.Token(written)
		if err != nil {
			t.Fatal(err)
		}
		l := c.openOn(t, name, route.Config{}, nil, c.replicas[0].DSN("postgres"), c.replicas[1].DSN("postgres"))
		if err := l.router.Await(ctx, func(s route.Snapshot) bool {
			return strings.Contains(s.Primary.Reason, "in recovery") && strings.Contains(s.Replicas[0].Reason, "primary has not answered")
		}); err != nil {
			t.Fatalf("%v: %+v", err, l.router.Snapshot())
		}
		session, err := l.router.WithToken(ctx, token)
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.whose(ctx, l.QueryRowContext(route.Replica(session), where))
		var refused *route.NoReplicaError
		if !errors.As(err, &refused) || refused.Primary == nil || !strings.Contains(err.Error(), "in recovery") {
			t.Errorf("a session's read ran on %q: %v", got, err)
		}
		if _, err := l.inTransaction(session); !errors.As(err, &refused) {
			t.Errorf("a session's read-only transaction: %v", err)
		}
		if _, err := l.whose(ctx, l.QueryRowContext(route.Replica(route.Session(ctx)), where)); err != nil {
			t.Errorf("a session that has written nothing: %v", err)
		}
	})
}

// A new primary needs the room that its own replica's pools have: in each process of a fleet. What is lent goes when
// it comes back.
func TestAPoolLeavesAReplicaThatIsPromoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 2, route.Config{})
		ctx := route.Replica(t.Context())
		var held []*sql.Tx
		for range 8 {
			tx, err := l.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, tx) // turn by turn on each
		}
		end := func(txs []*sql.Tx) {
			for _, tx := range txs {
				if err := tx.Commit(); err != nil {
					t.Error(err)
				}
			}
		}
		end(held[2:])
		l.replicas[0].set(func(s *sim) { s.replica = false })
		l.await(t, func(s route.Snapshot) bool { return s.Replicas[0].Pool.Open == 1 && s.Replicas[0].Pool.InUse == 1 })
		end(held[:2])
		l.await(t, func(s route.Snapshot) bool { return s.Replicas[0].Pool.Open == 0 })
		if s := l.router.Snapshot().Replicas[1]; s.Pool.Idle != 4 {
			t.Errorf("the other replica's pool: %+v", s.Pool)
		}
	})
}

// An earlier primary that is met again is not the primary.
func TestAnEarlierPrimaryIsNotAskedForASessionsReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 1, route.Config{})
		for _, s := range []*sim{l.primary, l.replicas[0]} {
			s.set(func(s *sim) { s.timeline, s.lsn = 2, 200 })
		}
		l.await(t, func(s route.Snapshot) bool {
			return s.Primary.Timeline == 2 && s.Replicas[0].Fit && s.Replicas[0].Timeline == 2
		})
		session, err := l.router.WithToken(t.Context(), "2-0/C9")
		if err != nil {
			t.Fatal(err)
		}
		l.primary.set(func(s *sim) { s.timeline, s.lsn, s.down = 1, 300, driver.ErrBadConn })
		l.await(t, func(s route.Snapshot) bool { return !s.Primary.Fit })
		l.primary.set(func(s *sim) { s.down = nil })
		l.await(t, func(s route.Snapshot) bool { return strings.Contains(s.Primary.Reason, "earlier primary") })
		var refused *route.NoReplicaError
		if name, err := l.whose(route.Replica(session)); !errors.As(err, &refused) {
			t.Errorf("a session's read ran on %q: %v", name, err)
		}
		if s := l.router.Snapshot().Replicas[0]; !s.Fit {
			t.Errorf("the replica of the latest primary is passed over: %s", s.Reason)
		}
		// Operators have gone back to it: it is the only one that answers.
		l.await(t, func(s route.Snapshot) bool { return s.Primary.Fit && s.Primary.Timeline == 1 })
		if name, err := l.whose(route.Replica(session)); err != nil || name != "primary" {
			t.Errorf("a session's read ran on %q: %v", name, err)
		}
		l.replicas[0].set(func(s *sim) { s.timeline, s.lsn, s.down = 1, 300, driver.ErrBadConn }) // it is built anew
		l.await(t, func(s route.Snapshot) bool { return !s.Replicas[0].Fit })
		l.replicas[0].set(func(s *sim) { s.down = nil })
		l.await(t, func(s route.Snapshot) bool { return s.Replicas[0].Fit })
	})
}

// The replica that follows the next primary before the program has reached that goes on serving.
func TestReadsGoOnWhileTheNextPrimaryIsNotThereYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 1, route.Config{})
		l.primary.set(func(s *sim) { s.down = driver.ErrBadConn })
		l.await(t, func(s route.Snapshot) bool { return !s.Primary.Fit })
		l.replicas[0].set(func(s *sim) { s.timeline = 2 })
		answers := 0
		l.await(t, func(s route.Snapshot) bool {
			answers++
			if !s.Replicas[0].Fit {
				t.Fatalf("the replica is passed over: %s", s.Replicas[0].Reason)
			}
			return answers > 30
		})
		l.primary.set(func(s *sim) { s.timeline, s.lsn, s.down = 2, 90, nil })
		l.await(t, func(s route.Snapshot) bool { return s.Primary.Fit && s.Primary.Timeline == 2 })
		l.await(t, func(s route.Snapshot) bool { return s.Replicas[0].Fit && s.Replicas[0].Lag == 0 })
		l.primary.set(func(s *sim) { s.timeline = 3 })
		l.await(t, func(s route.Snapshot) bool {
			return strings.Contains(s.Replicas[0].Reason, "timeline 2, and the primary is on 3")
		})
		l.replicas[0].set(func(s *sim) { s.timeline = 4 }) // of another primary, while ours answers
		l.await(t, func(s route.Snapshot) bool {
			return strings.Contains(s.Replicas[0].Reason, "timeline 4, and the primary is on 3")
		})
	})
}

// A replica of the earlier primary may be far beyond a token's position, and has not what that stands for.
func TestATokenIsOfATimeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 1, route.Config{})
		for token, want := range map[string]string{"1-0/64": "replica 0", "1-0/65": "primary", "2-0/1": "primary"} {
			session, err := l.router.WithToken(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			if name, err := l.whose(route.Replica(session)); err != nil || name != want {
				t.Errorf("with the token %s a read on %q (%v), want %s", token, name, err, want)
			}
		}
	})
}

func TestAReplicaOfAnotherClusterIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 1, route.Config{})
		l.replicas[0].set(func(s *sim) { s.system = 8 })
		l.await(t, func(s route.Snapshot) bool { return strings.Contains(s.Replicas[0].Reason, "another cluster") })
	})
}

// Servers that are down, or are not what they should be, are dialed less and less often, also while a caller waits for
// the primary's answer, and are noticed soon when they are back.
func TestServersThatAreDownAreDialedLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 2, route.Config{})
		ctx, cancel := context.WithTimeout(route.Session(t.Context()), 10*time.Minute)
		defer cancel()
		if _, err := l.ExecContext(ctx, "UPDATE"); err != nil {
			t.Fatal(err)
		}
		gone := errors.New("down")
		l.primary.set(func(s *sim) { s.down, s.dials = gone, 0 })
		l.replicas[0].set(func(s *sim) { s.down, s.dials = gone, 0 })
		l.replicas[1].set(func(s *sim) { s.replica, s.dials = false, 0 })
		told := make(chan error)
		go func() {
			_, err := l.router.Token(ctx)
			told <- err
		}()
		time.Sleep(5 * time.Minute)
		if n := l.replicas[1].count(func(s *sim) int { return s.dials }); n > 10 { // it answers, and is asked on
			t.Errorf("a server that is no replica was dialed %d times in five minutes", n)
		}
		for _, s := range []*sim{l.replicas[0], l.primary} {
			if n := s.count(func(s *sim) int { return s.dials }); n > 400 || n < 100 {
				t.Errorf("%s was dialed %d times in five minutes", s.name, n)
			}
		}
		back := time.Now()
		l.primary.set(func(s *sim) { s.down = nil })
		if err := <-told; err != nil {
			t.Error(err)
		}
		l.replicas[0].set(func(s *sim) { s.down = nil })
		l.replicas[1].set(func(s *sim) { s.replica = true })
		l.await(t, func(s route.Snapshot) bool { return s.Replicas[0].Fit && s.Replicas[1].Fit })
		if took := time.Since(back); took > 5*time.Second {
			t.Errorf("back after %v", took)
		}
	})
}
