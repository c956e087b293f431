//go:build unix

package outage

import (
	"context"
	"time"

	"github.com/sqlpool/go/conformance/outage/patroni"
)

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
