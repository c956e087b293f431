//go:build unix

package outage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/conformance/outage/ledger"
	"github.com/sqlpool/go/conformance/outage/patroni"
	"github.com/sqlpool/go/internal/pgserver"
)

// stuckAfter is how long the calls that are on their way may take to return when
// the callers are told to stop: longer than any deadline.
const stuckAfter = 10 * time.Second

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
