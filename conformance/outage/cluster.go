//go:build unix

package outage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/conformance/outage/bouncer"
	"github.com/sqlpool/go/conformance/outage/ledger"
	"github.com/sqlpool/go/conformance/outage/patroni"
	"github.com/sqlpool/go/internal/pgserver"
)

// callersDatabase has the callers' table. Their sessions are known by it, behind
// a PgBouncer too.
const callersDatabase = "callers"

// stuckAfter is how long the calls that are on their way may take to return when
// the callers are told to stop: longer than any deadline.
const stuckAfter = 10 * time.Second

// A Cluster is a cluster on which one measurement follows another.
type Cluster struct{ *patroni.Cluster }

// NewCluster starts a cluster with the callers' database.
func NewCluster(ctx context.Context) (*Cluster, error) {
	c, err := patroni.Start(ctx)
	if err != nil {
		return nil, err
	}
	standing, err := c.Standing(ctx)
	if err == nil {
		err = standing.Leader.Console("postgres").Exec(ctx, "CREATE DATABASE "+callersDatabase)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &Cluster{c}, nil
}

// Roles are what the nodes of a cluster are when a measurement begins.
type Roles struct {
	*patroni.Cluster
	Leader *patroni.Node
	Sync   *patroni.Node // the synchronous standby
	Other  *patroni.Node
}

// roles waits until the cluster is whole and gives it an empty table.
func (c *Cluster) roles(ctx context.Context) (Roles, error) {
	if err := c.Whole(ctx); err != nil {
		return Roles{}, err
	}
	standing, err := c.Standing(ctx)
	if err != nil {
		return Roles{}, err
	}
	if standing.Leader == nil || standing.Sync == nil {
		return Roles{}, errors.New("outage: the cluster has changed again")
	}
	r := Roles{Cluster: c.Cluster, Leader: standing.Leader, Sync: standing.Sync}
	for _, n := range c.Nodes {
		if n != r.Leader && n != r.Sync {
			r.Other = n
		}
	}
	return r, r.Leader.Console(callersDatabase).Exec(ctx,
		"DROP TABLE IF EXISTS ledger; CREATE TABLE ledger (token bigint NOT NULL, caller int)")
}

// A Move is one way in which a cluster gets another leader.
type Move struct {
	Name string
	What string // in one sentence

	// Break takes the leader away. It may return before or after another is there.
	Break func(ctx context.Context, c Roles) error

	// Mend brings back what Break has taken away, when another leader is there and
	// while the callers work on; nil if Patroni does.
	Mend func(ctx context.Context, c Roles) error

	// Deadline is that of each write.
	Deadline time.Duration
}

// Moves are all of them.
func Moves() []Move {
	const patient = 5 * time.Second
	return []Move{
		{Name: "switchover", What: "Patroni is told to hand over to the synchronous standby.", Deadline: patient,
			Break: func(ctx context.Context, c Roles) error { return c.Switchover(ctx, c.Leader, c.Sync) }},
		{Name: "postmaster killed", What: "kill -9 of the leader's postmaster. Its Patroni gives the lead away at once.", Deadline: patient,
			Break: func(_ context.Context, c Roles) error { return c.Leader.KillPostmaster() }},
		{Name: "node killed", What: "kill -9 of the leader's Patroni and postmaster. The others wait until the leader's key expires (10 s). Then its Patroni is started again.", Deadline: patient,
			Break: func(_ context.Context, c Roles) error { return killNode(c.Leader) },
			Mend:  func(_ context.Context, c Roles) error { return c.Leader.Start() }},
		{Name: "node frozen", What: "SIGSTOP of the leader's Patroni and server, which then accept connections and never answer. They go on 2 s after another leader is there.", Deadline: patient,
			Break: func(_ context.Context, c Roles) error { return c.Leader.Freeze() },
			Mend: func(ctx context.Context, c Roles) error {
				if err := lasts(ctx, 2*time.Second); err != nil {
					return err
				}
				return c.Leader.Thaw()
			}},
		{Name: "standby cut, leader killed", What: "SIGSTOP of the synchronous standby: commits wait for it, and callers give up. 2 s later the leader's Patroni and postmaster are killed and the standby goes on: it has not what " +
			"the leader committed meanwhile. Then the leader's Patroni is started again.", Deadline: deadline,
			Break: func(ctx context.Context, c Roles) error {
				if err := c.Sync.Freeze(); err != nil {
					return err
				}
				if err := lasts(ctx, 2*time.Second); err != nil {
					return err
				}
				if err := killNode(c.Leader); err != nil {
					return err
				}
				return c.Sync.Thaw()
			},
			Mend: func(_ context.Context, c Roles) error { return c.Leader.Start() }},
	}
}

// killNode ends the Patroni first: it would start its server again.
func killNode(n *patroni.Node) error {
	if err := n.KillPatroni(); err != nil {
		return err
	}
	return n.KillPostmaster()
}

// A Way is how callers reach the leader.
type Way struct {
	Name  string
	What  string // in one sentence
	Moves string // the only move that it is measured on; empty for all

	// open sets up what stands between, and returns the callers' connection string
	// and what ends it.
	open func(ctx context.Context, c Roles) (dsn string, end func() error, err error)
}

// Ways are all of them.
func Ways() []Way {
	return []Way{
		{Name: "hosts", What: "The connection string names all three nodes, the leader first, and has `target_session_attrs=read-write`.",
			open: func(_ context.Context, c Roles) (string, func() error, error) {
				var ports []string
				for _, n := range []*patroni.Node{c.Leader, c.Sync, c.Other} {
					ports = append(ports, strconv.Itoa(n.Endpoint().Port))
				}
				return callersDSN(0) + fmt.Sprintf(" host=127.0.0.1,127.0.0.1,127.0.0.1 port=%s %s", strings.Join(ports, ","), readWrite), func() error { return nil }, nil
			}},
		{Name: "HAProxy", What: "HAProxy asks each Patroni every second who leads, and closes the sessions of a node that leads no more (`on-marked-down shutdown-sessions`); `target_session_attrs=read-write`.",
			open: behindBalancer(true, readWrite)},
		{Name: "PgBouncer", What: "A PgBouncer (session mode) before that HAProxy; `target_session_attrs=read-write`.",
			open: func(ctx context.Context, c Roles) (string, func() error, error) {
				port, end, err := c.Balance(ctx, patroni.Balancer{Cuts: true})
				if err != nil {
					return "", nil, err
				}
				b, err := bouncer.Start(ctx, port, manyClients)
				if err != nil {
					return "", nil, errors.Join(err, end())
				}
				return callersDSN(b.Port()) + " " + readWrite, func() error { return errors.Join(b.Close(), end()) }, nil
			}},
		{Name: "HAProxy that cuts nothing", What: "The same HAProxy without `on-marked-down shutdown-sessions`; `target_session_attrs=read-write`.",
			Moves: "switchover", open: behindBalancer(false, readWrite)},
		{Name: "HAProxy that cuts nothing, any server", What: "The same without `target_session_attrs`.",
			Moves: "switchover", open: behindBalancer(false, "")},
	}
}

const readWrite = "target_session_attrs=read-write"

func callersDSN(port int) string {
	return pgserver.Endpoint{Host: "127.0.0.1", Port: port, User: "postgres"}.
		With("sslmode", "disable").With("connect_timeout", "2").KeyValue(callersDatabase)
}

func behindBalancer(cuts bool, attrs string) func(context.Context, Roles) (string, func() error, error) {
	return func(ctx context.Context, c Roles) (string, func() error, error) {
		port, end, err := c.Balance(ctx, patroni.Balancer{Cuts: cuts})
		return callersDSN(port) + " " + attrs, end, err
	}
}

// MeasureMove lets a cluster's leader change under the callers of one contender.
func (c *Cluster) MeasureMove(ctx context.Context, move Move, way Way, contender Contender) (f ClusterFigures, err error) {
	f = ClusterFigures{Way: way.Name, Figures: Figures{Fault: move.Name, Driver: contender.Driver, Pool: contender.Pool}}
	roles, err := c.roles(ctx)
	if err != nil {
		return f, err
	}
	dsn, end, err := way.open(ctx, roles)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := serves(ctx, dsn); err != nil {
		return f, err
	}
	client, err := contender.connectTo(dsn, func() string { return "" }, MaxConns)
	if err != nil {
		return f, err
	}
	defer client.Close()
	if err := Fill(ctx, client.DB, MaxConns); err != nil {
		return f, err
	}
	var book ledger.Book
	if err := f.move(ctx, move, roles, client, &book); err != nil {
		return f, err
	}
	standing, err := c.Standing(ctx)
	if err != nil {
		return f, err
	}
	if standing.Leader == nil {
		return f, errors.New("outage: the cluster has no leader again")
	}
	sessions, err := roles.Leader.Console("postgres").Activity(ctx, pgserver.Filter{Database: callersDatabase})
	if err != nil {
		return f, err
	}
	f.OnDemoted = len(sessions)
	seen, err := ledger.Seen(ctx, standing.Leader.Console(callersDatabase))
	if err != nil {
		return f, err
	}
	f.audit(book.Audit(seen))
	return f, nil
}

// serves returns when a connection can be made: a balancer that has just started
// knows no leader yet.
func serves(ctx context.Context, dsn string) error {
	for {
		c, err := pgx.Connect(ctx, dsn)
		if err == nil {
			return c.Close(ctx)
		}
		if over := lasts(ctx, 50*time.Millisecond); over != nil {
			return fmt.Errorf("outage: waiting for a way to the leader: %w: %w", over, err)
		}
	}
}

// move has callers write from before the move until the cluster is whole again and
// all of them are served.
func (f *ClusterFigures) move(ctx context.Context, move Move, roles Roles, client *Client, book *ledger.Book) error {
	load := Load{Callers: callers, Every: clusterEvery, Deadline: move.Deadline, Write: Insert(client.DB, 0), Book: book}
	run := load.Start(ctx)
	stop := sync.OnceFunc(func() { run.Stop(stuckAfter) })
	defer stop()
	if err := run.Steady(ctx, 10); err != nil {
		return fmt.Errorf("outage: before the fault: %w", err)
	}
	noise := Listen()
	broken, dialed := time.Now(), client.Dials()
	ended := make(chan error, 1)
	go func() { ended <- move.Break(ctx, roles) }()
	if err := nextLeader(ctx, roles.Sync, roles.Other); err != nil {
		return err
	}
	accepted := run.Mark()
	f.Leaderless = millis(accepted.Sub(broken))
	err := <-ended
	if err == nil && move.Mend != nil {
		err = move.Mend(ctx, roles)
	}
	if err == nil {
		err = demoted(ctx, roles)
	}
	if err != nil {
		return err
	}
	run.Mark()
	steadyCtx, cancel := context.WithTimeout(ctx, patience)
	_ = run.Steady(steadyCtx, int(time.Second/clusterEvery)) // a second of peace, or not within the patience: the figures tell
	cancel()
	tries, stuck, overdue := run.Stop(stuckAfter)
	f.Noise, f.Dials, f.Stuck = millis(noise.Stop()), client.Dials()-dialed, stuck
	tries = slices.DeleteFunc(tries, func(t Try) bool { return t.Returned.Before(broken) })
	f.count(tries, overdue)
	f.recovery(tries, accepted, callers)
	return nil
}

// nextLeader returns when one of the nodes takes writes. It asks over connections
// that stay open: a frozen node answers later, and a promotion ends no session.
func nextLeader(ctx context.Context, nodes ...*patroni.Node) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	leads := make(chan struct{}, len(nodes))
	for _, n := range nodes {
		go func() {
			for ctx.Err() == nil {
				c, err := pgx.Connect(ctx, n.Endpoint().URL("postgres"))
				recovering := true
				for err == nil && recovering {
					if err = c.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&recovering); err == nil && recovering {
						err = lasts(ctx, 10*time.Millisecond)
					}
				}
				if c != nil {
					_ = c.Close(context.WithoutCancel(ctx))
				}
				if err == nil {
					leads <- struct{}{}
					return
				}
				_ = lasts(ctx, 50*time.Millisecond)
			}
		}()
	}
	select {
	case <-leads:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("outage: waiting for another leader: %w", context.Cause(ctx))
	}
}

// demoted returns when the cluster is whole again, with its earlier leader as a
// standby.
func demoted(ctx context.Context, roles Roles) error {
	for {
		if err := roles.Whole(ctx); err != nil {
			return err
		}
		if recovering, err := roles.Leader.Recovering(ctx); err == nil && recovering {
			return nil
		}
		if err := lasts(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}
