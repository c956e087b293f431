package route_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// cluster is a real primary with two streaming replicas.
type cluster struct {
	primary  *pgserver.Server
	replicas [2]*pgserver.Server
}

func startCluster(ctx context.Context) (*cluster, error) {
	c := &cluster{}
	var err error
	if c.primary, err = pgserver.Start(ctx, pgserver.Options{}); err != nil {
		return nil, err
	}
	for i := range c.replicas {
		if c.replicas[i], err = c.primary.StartStandby(ctx); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// ownCluster is for a test that breaks servers.
func ownCluster(t *testing.T) *cluster {
	t.Helper()
	c, err := startCluster(within(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, s := range append(c.replicas[:], c.primary) {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return c
}

var shared = sync.OnceValues(func() (*cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return startCluster(ctx)
})

// sharedCluster is for tests that leave the servers as they are; it ends with the test binary.
func sharedCluster(t testing.TB) *cluster {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// within is the context of a test, bounded far above what any part of it takes.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// lab is a router over a cluster.
type lab struct {
	*sql.DB
	*cluster
	router *route.Router
	pools  []*sqlpool.Pool // the primary's first
}

var connectors = map[string]func(dsn string) (driver.Connector, error){
	"pgx": func(dsn string) (driver.Connector, error) { return pgxv5.Connector(dsn) },
	"pq":  func(dsn string) (driver.Connector, error) { return libpq.Connector(dsn) },
}

// open builds a router, and waits until both replicas are fit.
func (c *cluster) open(t *testing.T, driverName string, cfg route.Config, change func(*sqlpool.Config)) *lab {
	t.Helper()
	l := c.openOn(t, driverName, cfg, change, c.primary.DSN("postgres"), c.replicas[0].DSN("postgres"), c.replicas[1].DSN("postgres"))
	l.awaitFit(t, true, true)
	return l
}

// openOn builds a router on the servers that the connection strings lead to, the primary's first.
func (c *cluster) openOn(t testing.TB, driverName string, cfg route.Config, change func(*sqlpool.Config), dsns ...string) *lab {
	t.Helper()
	l := &lab{cluster: c}
	for _, dsn := range dsns {
		connector, err := connectors[driverName](dsn)
		if err != nil {
			t.Fatal(err)
		}
		pc := sqlpool.Config{Connector: connector, MaxConns: 8}
		if change != nil {
			change(&pc)
		}
		p, err := sqlpool.New(pc)
		if err != nil {
			t.Fatal(err)
		}
		l.pools = append(l.pools, p)
	}
	cfg.Primary, cfg.Replicas = l.pools[0], l.pools[1:]
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
	return l
}

// awaitFit waits until the replicas are fit or not, as wanted.
func (l *lab) awaitFit(t testing.TB, first, second bool) {
	t.Helper()
	err := l.router.Await(within(t), func(s route.Snapshot) bool {
		return s.Replicas[0].Fit == first && s.Replicas[1].Fit == second
	})
	if err != nil {
		t.Fatalf("%v: %+v", err, l.router.Snapshot())
	}
}

// querier is what *sql.DB, *sql.Conn and *sql.Tx have in common.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

const where = `SELECT current_setting('port')::int`

// server names the server that answers: "primary", "first" or "second".
func (l *lab) server(t *testing.T, ctx context.Context, q querier) string {
	t.Helper()
	name, err := l.whose(ctx, q.QueryRowContext(ctx, where))
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func (l *lab) whose(_ context.Context, row *sql.Row) (string, error) {
	var port int
	if err := row.Scan(&port); err != nil {
		return "", err
	}
	return map[int]string{
		l.primary.TCP().Port: "primary", l.replicas[0].TCP().Port: "first", l.replicas[1].TCP().Port: "second",
	}[port], nil
}

// caughtUp waits until both replicas have what the primary has written.
func (l *lab) caughtUp(t *testing.T) {
	t.Helper()
	for _, r := range l.replicas {
		if err := l.primary.WaitStreaming(within(t), r); err != nil {
			t.Fatal(err)
		}
	}
}
