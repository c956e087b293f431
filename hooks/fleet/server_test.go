package fleet_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/hooks/resetter"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

var connectors = map[string]func(dsn string) (driver.Connector, error){
	"pgx": func(dsn string) (driver.Connector, error) { return pgxv5.Connector(dsn) },
	"pq":  func(dsn string) (driver.Connector, error) { return libpq.Connector(dsn) },
}

// onEach runs a test on a server of its own through each driver.
func onEach(t *testing.T, test func(t *testing.T, g *group)) {
	for name, open := range connectors {
		t.Run(name, func(t *testing.T) {
			server := pgserver.Run(t, pgserver.Options{})
			test(t, &group{t: t, server: server, dsn: server.DSN("postgres"), open: open, limit: 12})
		})
	}
}

type group struct {
	t      *testing.T
	server *pgserver.Server
	dsn    string
	open   func(dsn string) (driver.Connector, error)
	limit  int
	hooks  []sqlpool.Hooks // further ones of each pool
}

// member is one pool and the callers that keep connections busy.
type member struct {
	*fleet.Fleet
	pool *sqlpool.Pool
	t    *testing.T
	end  []context.CancelFunc
	wg   sync.WaitGroup
}

const interval = 400 * time.Millisecond

func (g *group) join() *member {
	g.t.Helper()
	connector, err := g.open(g.dsn + "&application_name=fleet")
	if err != nil {
		g.t.Fatal(err)
	}
	f := fleet.New(fleet.Config{Group: "orders", MaxConns: g.limit, Interval: interval})
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: connector, MaxConns: g.limit, MinIdle: 1, SweepInterval: 50 * time.Millisecond, FailFastAfter: time.Minute,
		Hooks: append([]sqlpool.Hooks{f.Hooks()}, g.hooks...),
	})
	if err != nil {
		g.t.Fatal(err)
	}
	m := &member{Fleet: f, pool: pool, t: g.t}
	g.t.Cleanup(m.leave)
	return m
}

func (m *member) leave() {
	m.busy(0)
	if err := m.pool.Close(); err != nil {
		m.t.Error(err)
	}
}

// busy has n callers use a connection for 20 ms each, one loan after the other.
func (m *member) busy(n int) {
	for _, end := range m.end {
		end()
	}
	m.wg.Wait()
	m.end = nil
	for range n {
		ctx, cancel := context.WithCancel(context.Background())
		m.end = append(m.end, cancel)
		m.wg.Go(func() {
			for ctx.Err() == nil {
				loan, err := m.pool.Acquire(ctx)
				if err != nil {
					continue
				}
				_ = loan.Conn().Exec(context.Background(), "SELECT pg_sleep(0.02)")
				_ = loan.Release()
			}
		})
	}
}

// until waits for a condition, which the members bring about by themselves.
func (g *group) until(what string, cond func() bool, members ...*member) {
	g.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			for _, m := range members {
				g.t.Logf("%+v", m.Status())
			}
			g.t.Fatalf("not within 30 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// peak checks that the server never had more sessions than the limit.
func (g *group) peak(since pgserver.Mark, most int) {
	g.t.Helper()
	n, err := g.server.PeakBackends(context.Background(), since, pgserver.Filter{Application: "fleet"})
	if err != nil {
		g.t.Fatal(err)
	}
	if n > most {
		g.t.Errorf("%d sessions at once, and the limit is %d", n, most)
	}
}

func shares(members ...*member) (all []int) {
	for _, m := range members {
		all = append(all, m.Status().Share)
	}
	return all
}

func TestSharesFollowDemandAndTheLimitHolds(t *testing.T) {
	onEach(t, func(t *testing.T, g *group) {
		var start pgserver.Mark
		a, b, c := g.join(), g.join(), g.join()
		g.until("all have joined and divide evenly", func() bool {
			s := shares(a, b, c)
			slices.Sort(s)
			return fmt.Sprint(s) == "[3 3 3]"
		}, a, b, c)
		a.busy(20)
		g.until("the idle ones lend", func() bool { return a.Status().Share >= 8 }, a, b, c)
		b.busy(20)
		g.until("two in need share", func() bool { s := shares(a, b); return min(s[0], s[1]) >= 4 && max(s[0], s[1]) <= 6 }, a, b, c)
		d := g.join()
		d.busy(20)
		g.until("a newcomer gets its part", func() bool { return d.Status().Share >= 3 }, a, b, c, d)
		a.busy(0)
		a.leave()
		g.until("what a member leaves is shared", func() bool { s := shares(b, d); return s[0]+s[1] >= 9 }, b, c, d)
		g.peak(start, g.limit)
	})
}

func TestLocksThatACallerTakesAwayAreTakenAgain(t *testing.T) {
	onEach(t, func(t *testing.T, g *group) {
		a, b := g.join(), g.join()
		g.until("both have joined", func() bool { s := shares(a, b); return s[0] >= 4 && s[1] >= 4 }, a, b)
		for range 3 {
			read := a.Status().Read
			for range 4 {
				loan, err := a.pool.Acquire(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if err := loan.Conn().Exec(t.Context(), "DISCARD ALL"); err != nil {
					t.Fatal(err)
				}
				_ = loan.Release()
			}
			g.until("it reads again", func() bool { s := a.Status(); return s.Read.After(read) && s.Fresh && s.Err == nil }, a, b)
		}
		g.until("the other one sees it", func() bool {
			s := b.Status()
			return len(s.Members) == 2 && s.Members[0].Open >= 1 && s.Members[1].Open >= 1
		}, a, b)
		if s := shares(a, b); s[0] < 4 || s[1] < 4 {
			t.Errorf("shares of %v", s)
		}
		if s := a.pool.Stats(); s.DialErrorCount != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestACleanSessionKeepsItsLocks(t *testing.T) {
	onEach(t, func(t *testing.T, g *group) {
		g.hooks = []sqlpool.Hooks{resetter.Clean()}
		a, b := g.join(), g.join()
		a.busy(20)
		g.until("the busy one grows", func() bool { return a.Status().Share >= 8 }, a, b)
		b.busy(20)
		g.until("both share", func() bool { s := shares(a, b); return min(s[0], s[1]) >= 5 }, a, b)
		g.peak(pgserver.Mark{}, g.limit)
	})
}

func TestARestartOfTheServerKeepsTheShares(t *testing.T) {
	onEach(t, func(t *testing.T, g *group) {
		a, b, c := g.join(), g.join(), g.join()
		a.busy(20)
		g.until("the busy one grows", func() bool { return a.Status().Share >= 8 }, a, b, c)
		for range 2 {
			if err := g.server.Restart(t.Context(), pgserver.Immediate); err != nil {
				t.Fatal(err)
			}
			restarted := time.Now()
			g.until("all are back", func() bool {
				for _, m := range []*member{a, b, c} {
					if s := m.Status(); !s.Read.After(restarted) || !s.Fresh || len(s.Members) != 3 {
						return false
					}
				}
				return a.Status().Share >= 8
			}, a, b, c)
		}
		g.peak(pgserver.Mark{}, g.limit)
	})
}

// Two members come in one moment to a fleet that uses all but the room that is kept for
// two. Then come more than there is room for: each that finds no place goes away again,
// and all find one in the end.
func TestMembersThatComeInOneMomentFindTheirPlaces(t *testing.T) {
	onEach(t, func(t *testing.T, g *group) {
		g.limit = 24
		all := []*member{g.join(), g.join(), g.join(), g.join()}
		all[0].busy(40)
		g.until("the busy one has all but the room", func() bool {
			s := all[0].Status()
			return s.Share == g.limit-2-3 && len(s.Members) == 4 && all[0].pool.Stats().InUse == s.Share
		}, all...)
		in := func() bool {
			for _, m := range all {
				if s := m.Status(); len(s.Members) != len(all) || s.Free < 0 {
					return false
				}
			}
			return true
		}
		all = append(all, g.join(), g.join())
		g.until("both are in", in, all...)
		g.peak(pgserver.Mark{}, g.limit)
		const more = 6
		for range more {
			all = append(all, g.join())
		}
		g.until("all are in", in, all...)
		for _, m := range all[6:] {
			if s := m.pool.Stats(); s.State != sqlpool.StateUp || s.Open == 0 {
				t.Errorf("%+v", s)
			}
		}
		g.peak(pgserver.Mark{}, g.limit+more-1)
	})
}

func TestMoreMembersThanConnectionsHaveOneEach(t *testing.T) {
	onEach(t, func(t *testing.T, g *group) {
		g.limit = 3
		var all []*member
		for range 5 {
			all = append(all, g.join())
		}
		g.until("all know that they are too many", func() bool {
			for _, m := range all {
				if s := m.Status(); !s.Crowded || s.Share != 1 {
					return false
				}
				if what, _ := m.Warning(); what == "" {
					t.Error("no warning")
				}
			}
			return true
		}, all...)
		g.peak(pgserver.Mark{}, 5)
	})
}

// Groups with other names, and other databases unless asked for, are apart.
func TestOnlyMembersOfOneGroupShare(t *testing.T) {
	server := pgserver.Shared(t)
	one, two := server.NewDatabase(t), server.NewDatabase(t)
	join := func(name, database string, all bool) *fleet.Fleet {
		connector, err := pgxv5.Connector(server.DSN(database))
		if err != nil {
			t.Fatal(err)
		}
		f := fleet.New(fleet.Config{Group: name, MaxConns: 9, Interval: interval, AllDatabases: all})
		pool, err := sqlpool.New(sqlpool.Config{Connector: connector, MinIdle: 1, SweepInterval: 50 * time.Millisecond, Hooks: []sqlpool.Hooks{f.Hooks()}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = pool.Close() })
		return f
	}
	g := &group{t: t}
	count := func(f *fleet.Fleet) int { return len(f.Status().Members) }
	a, b, c := join("a", one, false), join("a", two, false), join("b", one, false)
	d, e := join("d", one, true), join("d", two, true)
	g.until("each sees its group", func() bool { return count(d) == 2 && count(e) == 2 && count(a) > 0 && count(b) > 0 && count(c) > 0 })
	if count(a) != 1 || count(b) != 1 || count(c) != 1 {
		t.Errorf("%d, %d and %d members where each is alone", count(a), count(b), count(c))
	}
}

// A fleet on a hot standby shares, and goes on when the standby is promoted.
func TestAStandbyAndItsPromotion(t *testing.T) {
	onEach(t, func(t *testing.T, g *group) {
		standby, err := g.server.StartStandby(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer standby.Close()
		g.server, g.dsn = standby, standby.DSN("postgres")
		a, b := g.join(), g.join()
		defer a.leave()
		defer b.leave()
		a.busy(20)
		g.until("the busy one grows", func() bool { return a.Status().Share >= 8 }, a, b)
		if err := standby.Promote(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.busy(0)
		b.busy(20)
		g.until("the other one grows", func() bool { return b.Status().Share >= 8 }, a, b)
		g.peak(pgserver.Mark{}, g.limit)
	})
}
