//go:build unix

package outage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/conformance/outage/patroni"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
	replicas "github.com/sqlpool/go/sqlpool/route"
)

// All three nodes are in both of a router's lists, as docs/replicas.md has it. A second after a switchover no read comes from
// the promoted node by way of a replica's pool, and that pool has left it, as the primary's pool the demoted one.
func TestARouterFollowsASwitchover(t *testing.T) {
	if os.Getenv("SQLPOOL_CLUSTER") == "" {
		t.Skip("it needs Patroni, etcd and HAProxy, and takes a minute: make cluster runs it")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	cluster, err := NewCluster(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, a := range adapters {
		t.Run(a.driver, func(t *testing.T) {
			roles, err := cluster.roles(ctx)
			if err != nil {
				t.Fatal(err)
			}
			router := openRouter(ctx, t, roles, a.open)
			db := replicas.OpenDB(router)
			defer db.Close()
			if err := router.Warm(ctx); err != nil {
				t.Fatal(err)
			}
			reads := startReads(ctx, db)
			defer reads.stop()
			reads.await(t, roles.Sync)

			moved := make(chan error, 1)
			go func() { moved <- roles.Switchover(ctx, roles.Leader, roles.Sync) }()
			if err := nextLeader(ctx, roles.Sync); err != nil {
				t.Fatal(err)
			}
			promoted := time.Now()
			if err := <-moved; err != nil {
				t.Fatal(err)
			}
			if err := demoted(ctx, roles); err != nil {
				t.Fatal(err)
			}
			reads.await(t, roles.Leader) // which is a replica now

			got := reads.of(roles.Sync)
			t.Logf("the last of %d reads from the promoted node began %v after its promotion", got.n, got.last.Sub(promoted))
			if got.last.Sub(promoted) > time.Second {
				t.Error("the promoted node was read from, as a replica, for more than a second")
			}
			if n := sessions(ctx, t, roles.Leader, "primary"); n > 0 {
				t.Errorf("%d sessions of the primary's pool are on the demoted node", n)
			}
			if n := sessions(ctx, t, roles.Sync, "replica"); n > 1 { // the router may be asking whether it is a replica again
				t.Errorf("%d sessions of its replica's pool are on the promoted node", n)
			}
			if _, err := db.ExecContext(ctx, "INSERT INTO ledger VALUES (1)"); err != nil {
				t.Error(err)
			}
		})
	}
}

// openRouter gives the primary's pool and those of replicas names that the servers
// know their sessions by.
func openRouter(ctx context.Context, t *testing.T, roles Roles, open func(string, func() string) (driver.Connector, error)) *replicas.Router {
	t.Helper()
	none := func() string { return "" }
	pool := func(name, dsn string) *sqlpool.Pool {
		c, err := open(dsn, none)
		if err != nil {
			t.Fatal(err)
		}
		p, err := sqlpool.New(sqlpool.Config{Connector: c, Name: name, MaxConns: MaxConns})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	hosts, end, err := Ways()[0].open(ctx, roles)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = end() })
	cfg := replicas.Config{Primary: pool("primary", hosts+" application_name=primary")}
	for _, n := range roles.Nodes {
		cfg.Replicas = append(cfg.Replicas, pool(n.Name, callersDSN(n.Endpoint().Port)+" application_name=replica"))
	}
	router, err := replicas.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

func sessions(ctx context.Context, t *testing.T, n *patroni.Node, application string) int {
	t.Helper()
	found, err := n.Console("postgres").Activity(ctx, pgserver.Filter{Database: callersDatabase, Application: application})
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// reads are callers that read all the time and note where an answer came from.
type reads struct {
	stop func()
	mu   sync.Mutex
	from map[string]answers // by port, of reads by way of a replica's pool
	more chan struct{}      // closed and replaced at each answer
}

// answers are those of one node: how many, and when the last of their reads began.
type answers struct {
	n    int
	last time.Time
}

func startReads(ctx context.Context, db *sql.DB) *reads {
	ctx, cancel := context.WithCancel(ctx)
	r := &reads{from: map[string]answers{}, more: make(chan struct{})}
	var work sync.WaitGroup
	r.stop = func() { cancel(); work.Wait() }
	for range 4 {
		work.Go(func() {
			for lasts(ctx, clusterEvery) == nil {
				r.read(ctx, db)
			}
		})
	}
	return r
}

func (r *reads) read(ctx context.Context, db *sql.DB) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	begun := time.Now()
	var by, port string
	if db.QueryRowContext(replicas.Replica(ctx), "SELECT current_setting('application_name'), inet_server_port()").Scan(&by, &port) != nil || by != "replica" {
		return // a read that found no replica is the primary's
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.from[port]
	if begun.Before(was.last) {
		begun = was.last
	}
	r.from[port] = answers{was.n + 1, begun}
	close(r.more)
	r.more = make(chan struct{})
}

// await waits until a node serves reads that begin from now on.
func (r *reads) await(t *testing.T, n *patroni.Node) {
	t.Helper()
	since, limit := time.Now(), time.After(watchdog)
	for {
		r.mu.Lock()
		more := r.more
		r.mu.Unlock()
		if r.of(n).last.After(since) {
			return
		}
		select {
		case <-more:
		case <-limit:
			t.Fatalf("%s serves no reads", n.Name)
		}
	}
}

// of returns the answers of a node.
func (r *reads) of(n *patroni.Node) answers {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.from[strconv.Itoa(n.Endpoint().Port)]
}
