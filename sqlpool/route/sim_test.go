package route_test

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// sim is a server as far as a router sees one: it tells where it stands, and answers everything else with its name. It
// is for tests whose time runs in a bubble.
type sim struct {
	name string
	work func() time.Duration // how long an answer takes; nil: no time

	mu       sync.Mutex
	replica  bool
	lsn      uint64
	timeline uint32
	system   int64
	down     error
	refuse   error // of dials alone
	dials    int
	served   int
}

// set changes the server.
func (s *sim) set(f func(s *sim)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

// count reads a count.
func (s *sim) count(f func(s *sim) int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f(s)
}

func (s *sim) Connect(context.Context) (driver.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials++
	if err := cmp.Or(s.down, s.refuse); err != nil {
		return nil, err
	}
	return simConn{s}, nil
}

func (s *sim) Driver() driver.Driver { return nil }

type simConn struct{ s *sim }

func (c simConn) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("sim: nothing is prepared")
}
func (c simConn) Close() error { return nil }
func (c simConn) Begin() (driver.Tx, error) {
	return nil, errors.New("sim: no BEGIN without a context")
}

func (c simConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) { return simTx{}, nil }

type simTx struct{}

func (simTx) Commit() error   { return nil }
func (simTx) Rollback() error { return nil }

func (c simConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), nil
}

func (c simConn) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	question := strings.Contains(query, "pg_is_in_recovery")
	if !question && c.s.work != nil {
		time.Sleep(c.s.work())
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.down != nil {
		return nil, c.s.down
	}
	if !question {
		c.s.served++
		return &simRows{text: c.s.name}, nil
	}
	role := "primary"
	if c.s.replica {
		role = "replica"
	}
	return &simRows{text: fmt.Sprint(role, " ", c.s.lsn, " ", c.s.timeline, " ", c.s.system)}, nil
}

type simRows struct {
	text string
	done bool
}

func (*simRows) Columns() []string { return []string{"text"} }
func (*simRows) Close() error      { return nil }

func (r *simRows) Next(row []driver.Value) error {
	if r.done {
		return io.EOF
	}
	row[0], r.done = r.text, true
	return nil
}

// simLab is a router over such servers.
type simLab struct {
	*sql.DB
	router   *route.Router
	primary  *sim
	replicas []*sim
}

// simulate builds it with n replicas that have all that the primary has written, and waits until they are fit. It is
// called in a bubble, and close ends what it has begun.
func simulate(t *testing.T, n int, cfg route.Config) *simLab {
	t.Helper()
	l := &simLab{primary: &sim{name: "primary", lsn: 100, timeline: 1, system: 7}}
	pool := func(s *sim) *sqlpool.Pool {
		p, err := sqlpool.New(sqlpool.Config{Connector: s, MaxConns: 20, Name: s.name})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	cfg.Primary = pool(l.primary)
	for i := range n {
		r := &sim{name: fmt.Sprint("replica ", i), replica: true, lsn: 100, timeline: 1, system: 7}
		l.replicas = append(l.replicas, r)
		cfg.Replicas = append(cfg.Replicas, pool(r))
	}
	var err error
	if l.router, err = route.New(cfg); err != nil {
		t.Fatal(err)
	}
	l.DB = route.OpenDB(l.router)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	l.await(t, func(s route.Snapshot) bool {
		for _, r := range s.Replicas {
			if !r.Fit {
				return false
			}
		}
		return s.Primary.Fit
	})
	return l
}

func (l *simLab) await(t *testing.T, f func(route.Snapshot) bool) {
	t.Helper()
	if err := l.router.Await(within(t), f); err != nil {
		t.Fatalf("%v: %+v", err, l.router.Snapshot())
	}
}

// whose returns the name of the server that answers.
func (l *simLab) whose(ctx context.Context) (name string, err error) {
	err = l.QueryRowContext(ctx, "SELECT").Scan(&name)
	return name, err
}
