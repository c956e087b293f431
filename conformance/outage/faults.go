//go:build unix

package outage

import (
	"context"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
)

// A Fault is one way in which callers lose their database for a while.
type Fault struct {
	Name string
	What string // in one sentence

	// Quiet says that it happens while no statement runs: the callers come
	// afterwards.
	Quiet bool

	Options pgserver.Options // of the server that it happens to

	// Route sets up what the fault needs between callers and server; nil is a
	// direct way.
	Route func(ctx context.Context, s *Scene) error

	// Break breaks the scene and mends it, and returns when the server accepts
	// again. In a shortage it only breaks, and nil is for one whose route or
	// demand does that.
	Break func(ctx context.Context, s *Scene) error

	// Shortage is set when the database serves throughout, but not all.
	Shortage *Shortage

	// CleanUp ends what is left of the fault when the callers have gone, so that
	// what is counted then is the contender's.
	CleanUp func(s *Scene)
}

// Faults are all of them.
func Faults() []Fault {
	return []Fault{
		{Name: "restart", What: "PostgreSQL is restarted in immediate mode under load.", Break: restart},
		{Name: "restart, idle", What: "The same while every connection is idle.", Quiet: true, Break: restart},
		{Name: "one backend killed", What: "kill -9 of one backend: PostgreSQL ends them all and recovers.", Break: killOne},
		{Name: "all backends killed", What: "kill -9 of every backend at once.", Break: killAll},
		{Name: "postmaster killed", What: "kill -9 of the postmaster, then a start.", Break: killPostmaster},
		{Name: "stopped 3 s", What: "SIGSTOP of the whole server for 3 s.", Break: freeze},
		{Name: "down 10 s", What: "The server is shut down and started 10 s later; dials are refused.", Break: downFor(10 * time.Second)},
		{Name: "refused 500 ms", What: "The network closes everything and refuses dials for half a second.", Route: throughNetwork, Break: refuse},
		{Name: "silent 3 s", What: "The network accepts everything and passes nothing for 3 s, then closes.", Route: throughNetwork, Break: silence},
		{Name: "reset in query", What: "Every connection is reset (RST) while statements run.", Route: throughTap, Break: resetAll},
		{Name: "black hole", What: "The network drops all packets of the connections that are idle now, and serves new ones.", Quiet: true,
			Route: throughTap, Break: blackHole, CleanUp: func(s *Scene) { s.Tap.Lighten() }},
		{Name: "slow drip", What: "Answers come at 50 bytes per second for 3 s: no statement meets its deadline.", Route: throughNetwork, Break: drip},
		{Name: "reply lost", What: "100 times, the server commits an INSERT and its reply is lost with the connection.", Route: throughTap, Break: loseReplies},
		{Name: "password rotated", What: "The password changes, every session is ended, and callers learn the new one 2 s later.",
			Options: pgserver.Options{PasswordAuth: true}, Break: rotatePassword},
		{Name: "failover", What: "The primary dies and its synchronous standby is promoted; the connection string names both.", Route: withStandby, Break: failOver},
		{Name: "switchover", What: "The standby is promoted while the old primary stays up, read-only.", Route: withStandby, Break: switchOver},
		{Name: "pooler restarted", What: "The PgBouncer (session mode) between callers and server is killed and started.", Route: throughBouncer, Break: restartBouncer},
		{Name: "pooler alone 3 s", What: "The server behind the PgBouncer is shut down and started 3 s later; logins are accepted, and end at their first statement.",
			Route: throughBouncer, Break: downFor(3 * time.Second)},

		{Name: "overload", What: "For 2 s twice as many callers come as four connections can serve, each with a deadline of 1 s. The figure is about the callers of " +
			"the next 4 s, at 85 % of what the connections can serve.", Shortage: overload()},
		{Name: "steady overload", What: "One and a half times as many callers come as four connections can serve, each with a deadline of 1 s, without an end. 3 s of it count.",
			Shortage: steadyOverload()},
		{Name: "pooler full", What: "PgBouncer has max_client_conn clients, and refuses more (08P01). Five connections work.",
			Route: throughFullBouncer, Shortage: partial(throughBouncer)},
		{Name: "role full", What: "The role's CONNECTION LIMIT is reached (53300). Five connections work.", Route: asLimitedRole, Shortage: partial(nil)},
		{Name: "password changed", What: "The password has changed, and callers do not know the new one (28P01). Five connections work.",
			Options: pgserver.Options{PasswordAuth: true}, Break: forgetPassword, Shortage: partial(nil)},
		{Name: "listener gone", What: "Nothing listens any more; open connections stay open. Five connections work.",
			Route: throughNetwork, Break: stopListening, Shortage: partial(nil)},
	}
}

// lasts is how long a fault lasts. It is the fault's own length, not a wait for
// something to happen.
func lasts(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
