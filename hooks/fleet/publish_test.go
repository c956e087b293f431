package fleet

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// one is a member's session on a server where the test can have statements fail: it has
// a role without privileges.
type one struct {
	*link
	t      *testing.T
	server *pgserver.Console
}

func newOne(t *testing.T) *one {
	server := pgserver.Shared(t)
	name := server.NewDatabase(t)
	connector, err := pq.NewConnector(server.DSN(name))
	if err != nil {
		t.Fatal(err)
	}
	pool, err := sqlpool.New(sqlpool.Config{Connector: connector, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	loan, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = loan.Release()
		_ = pool.Close()
	})
	classes := classesOf("orders")
	o := &one{&link{
		fleet: &Fleet{group: "orders", classes: classes, query: classes.query(false), member: newMember(7, 20, 5, simInterval)},
		conn:  loan.Conn(),
	}, t, server.In(name)}
	o.exec("SET ROLE pg_monitor")
	if err := o.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *one) exec(statement string) {
	o.t.Helper()
	if err := o.conn.Exec(o.t.Context(), statement); err != nil {
		o.t.Fatal(err)
	}
}

// refuse has the server refuse a function, until allow.
func (o *one) refuse(function string) { o.may("REVOKE", function, "FROM") }
func (o *one) allow(function string)  { o.may("GRANT", function, "TO") }

func (o *one) may(verb, function, to string) {
	o.t.Helper()
	if err := o.server.Exec(o.t.Context(), verb+" EXECUTE ON FUNCTION "+function+"bigint) "+to+" PUBLIC"); err != nil {
		o.t.Fatal(err)
	}
}

func (o *one) publishes(p publication) {
	o.t.Helper()
	if err := o.publish(o.t.Context(), p); err != nil {
		o.t.Fatal(err)
	}
	o.shows(p)
}

func (o *one) fails(p publication) {
	o.t.Helper()
	if err := o.publish(o.t.Context(), p); err == nil || !soft(err) {
		o.t.Fatalf("%+v: %v; want an error that leaves the connection in order", p, err)
	}
}

func (o *one) shows(want publication) {
	o.t.Helper()
	rows, err := o.read(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	if len(rows) != 1 || rows[0].newest != want {
		o.t.Errorf("%+v; want %+v", rows, want)
	}
}

func TestAfterAnErrorTheNextPublicationIsTheOnlyOne(t *testing.T) {
	for _, function := range []string{tryLock, unlock} {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(function, "pg_catalog."), "("), func(t *testing.T) {
			o, seq := newOne(t), uint32(100)
			next := func(cap int) publication {
				seq++
				return publication{seq: seq, cap: cap, want: 1}
			}
			for _, failing := range [][]int{{1}, {1, 6}, {6, 1, 6}} { // caps; a second 6 has the content of the first
				o.publishes(next(6))
				o.refuse(function)
				for _, cap := range failing {
					o.fails(next(cap))
				}
				o.allow(function)
				for _, cap := range []int{1, 6, 6, 1} {
					o.publishes(next(cap))
				}
			}
		})
	}
}

func TestAfterAnErrorAResetSessionHoldsTheNewestPublication(t *testing.T) {
	o := newOne(t)
	o.publishes(publication{seq: 100, cap: 6, want: 1})
	o.refuse(unlock)
	o.fails(publication{seq: 101, cap: 1, want: 1})
	o.shows(publication{seq: 101, cap: 6, want: 1})
	o.allow(unlock)
	o.exec("SELECT pg_advisory_unlock_all()")
	o.shows(publication{seq: 101, cap: 1, want: 1})
	o.publishes(publication{seq: 102, cap: 1, want: 1})
	o.publishes(publication{seq: 103, cap: 6, want: 1})
}

// RESET ALL lets no lock go, and its hooks run all the same: what they take is held twice.
func TestAResetThatKeepsTheLocksIsFoundOut(t *testing.T) {
	o := newOne(t)
	p := publication{seq: 100, cap: 6, want: 1}
	o.publishes(p)
	for range 3 {
		if err := o.again(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	m := o.fleet.member
	m.published = publication{seq: 101, cap: 1, want: 1}
	if err := o.publish(t.Context(), m.published); err != nil {
		t.Fatal(err)
	}
	rows, err := o.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m.observe(rows, time.Now()); !m.seen() || !m.overstated() || m.shown.cap != 6 {
		t.Errorf("%+v is shown as %+v: it may grow, and publishes again", m.published, m.shown)
	}
	o.publishes(publication{seq: 102, cap: 1, want: 1})
}

// The session still holds an older and smaller publication. With its content the new
// number would have the others count too little.
func TestAStatementThatFailsInTheMiddlePublishesNoLess(t *testing.T) {
	o := newOne(t)
	before, p := publication{seq: 100, cap: 2, want: 1}, publication{seq: 101, cap: 6, want: 1}
	o.publishes(before)
	for _, statement := range []string{o.take(p), o.drop(p)} {
		for part := range strings.SplitSeq(statement, ", ") {
			o.exec("SELECT " + part)
			rows, err := o.read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n := rows[0].newest; n.seq == p.seq && n.cap < p.cap {
				t.Errorf("after %s: %+v", part, n)
			}
		}
	}
	o.shows(before)
}

// scripted is a session and a pool whose server shows what the test says.
type scripted struct {
	published []publication
	shows     func(newest publication) publication
	fail      error
	wants     int
}

func (s *scripted) began() time.Time { return time.Time{} }

func (s *scripted) dialing() bool { return false }

func (s *scripted) read(context.Context) ([]row, error) {
	r := row{member: 7, open: 1}
	if n := len(s.published); n > 0 {
		r.newest = s.published[n-1]
		if s.shows != nil {
			r.newest = s.shows(r.newest)
		}
	}
	return []row{r}, nil
}

func (s *scripted) publish(_ context.Context, p publication) error {
	s.published = append(s.published, p)
	return s.fail
}

func (s *scripted) open() (all, dialing int) { return 1, 0 }

func (s *scripted) want() int { return s.wants }

func (s *scripted) limit(grant, int, bool) {}

// grown is a member that has been there for long and may have 5 connections.
func grown(t *testing.T) (*member, *scripted) {
	s := &scripted{wants: 5}
	m := newMember(7, 20, 5, simInterval)
	now := time.Now()
	m.now = func() time.Time { return now }
	for range 4 {
		now = now.Add(m.hold())
		if err := m.turn(t.Context(), s, s); err != nil {
			t.Fatal(err)
		}
	}
	if m.cap != 5 || s.published[len(s.published)-1].cap != 5 {
		t.Fatalf("a cap of %d after %+v", m.cap, s.published)
	}
	return m, s
}

func TestAPublicationWithOtherContentIsPublishedAgain(t *testing.T) {
	m, s := grown(t)
	n := len(s.published)
	if err := m.turn(t.Context(), s, s); err != nil || len(s.published) != n {
		t.Fatalf("published again while it is shown: %+v, %v", s.published[n:], err)
	}
	for _, shown := range []publication{{cap: 9, want: 5}, {cap: 4, want: 5}, {cap: 5, want: 6}} {
		n, once := len(s.published), false
		s.shows = func(newest publication) publication {
			if once {
				return newest
			}
			once = true
			shown.seq = newest.seq
			return shown
		}
		if err := m.turn(t.Context(), s, s); err != nil {
			t.Fatal(err)
		}
		if len(s.published) != n+1 || s.published[n].cap != 5 || m.cap != 5 {
			t.Errorf("shown as %+v, published after it: %+v, a cap of %d", shown, s.published[n:], m.cap)
		}
	}
}

func TestNoMemberGrowsWhileTheServerShowsLess(t *testing.T) {
	m, s := grown(t)
	m.most, s.wants = 10, 10
	small := s.published[len(s.published)-1]
	s.shows = func(newest publication) publication {
		small.seq = newest.seq
		return small
	}
	s.fail = errors.New("57014")
	_ = m.turn(t.Context(), s, s) // the number was taken, and the content was not
	s.fail = nil
	for range 3 {
		if err := m.turn(t.Context(), s, s); err != nil || m.cap != 5 {
			t.Fatalf("a cap of %d, and the others count %d: %v", m.cap, small.cap, err)
		}
	}
	s.shows = nil
	for range 2 {
		if err := m.turn(t.Context(), s, s); err != nil {
			t.Fatal(err)
		}
	}
	if m.cap != 10 {
		t.Errorf("a cap of %d when the server shows what is published", m.cap)
	}
}
