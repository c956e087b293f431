package main

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"runtime"
	"time"
)

// room is what a server has left for connections.
type room struct {
	version              string
	limit, reserved, use int
	free                 int
}

func roomOn(ctx context.Context, db *sql.DB) (r room, err error) {
	err = db.QueryRowContext(ctx, `SELECT current_setting('server_version'), current_setting('max_connections')::int,
		current_setting('superuser_reserved_connections')::int,
		(SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend')`).
		Scan(&r.version, &r.limit, &r.reserved, &r.use)
	r.free = r.limit - r.reserved - r.use
	return r, err
}

// sizes are those that fit, all of them being open at once.
func (r room) sizes() (fit []int) {
	sum := 0
	for _, size := range benchSizes {
		if sum += size; sum > r.free-2 && len(fit) > 0 {
			break
		}
		fit = append(fit, size)
	}
	return fit
}

// enough is the share of the best throughput that a smaller pool must reach to
// be as good: repeated measurements of one size differ by as much.
const enough = 0.95

// sizeAdvice is a size for the pool of each process, and why.
type sizeAdvice struct {
	MaxConns int      `json:"max_conns"`
	Why      []string `json:"why"`
}

// advise reasons from what the server did (where more connections stop to help),
// what it is (cores), what the program needs (Little's law), and what there is
// room for.
func (v *benchVerb) advise(d *benchDriver, r room, private bool) sizeAdvice {
	var why []string
	say := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }

	best, knee := 0.0, d.Sizes[0]
	for _, s := range d.Sizes {
		best = max(best, s.Throughput)
	}
	for _, s := range d.Sizes {
		if s.Throughput >= enough*best {
			knee = s
			break
		}
	}
	say("With %d connections the server does %.0f transactions a second, %.0f %% of the most that any size gave: more of them only queue inside the server.",
		knee.Conns, knee.Throughput, 100*knee.Throughput/best)
	useful := knee.Conns

	cores := v.Cores
	if cores == 0 && private {
		cores = runtime.NumCPU()
	}
	if cores > 0 {
		rule := 2*cores + 1
		say("A server of %d cores keeps about 2 × %d + 1 = %d connections busy (the PostgreSQL wiki's rule: two per core, one per disk).", cores, cores, rule)
		if rule < useful {
			say("The measurement found use for %d; it is the server's own word and counts more.", useful)
		}
	}

	held, whose := time.Duration(d.Alone*float64(time.Millisecond)), "the transaction measured here, alone,"
	if v.Held > 0 {
		held, whose = v.Held, "yours"
	}
	size := useful
	if v.Rate > 0 {
		busy := v.Rate * held.Seconds()
		need := int(math.Ceil(busy + 2*math.Sqrt(busy)))
		say("Little's law: at %g a second, each holding a connection for %v (%s), %.1f are busy on average.",
			v.Rate, held.Round(time.Microsecond), whose, busy)
		say("Arrivals come in clusters; two square roots more, %d in all, leave a wait to a few in a hundred.", max(need, 1))
		size = max(need, 1)
		if v.Held == 0 && size > useful {
			size = useful
			say("The server has no use for more than %d: the rest is better off waiting in the pool, first in, first out.", useful)
		}
	} else {
		say("Little's law: connections busy = transactions a second × how long each holds one, %v for %s here. Say --rate and --held to have your own numbers.",
			held.Round(time.Microsecond), whose)
	}

	if v.Processes > 1 {
		say("%d processes share that: %d for each.", v.Processes, max(1, ceilDiv(size, v.Processes)))
	}
	each := max(1, ceilDiv(size, v.Processes))
	allowed := max(1, (r.limit-r.reserved)/v.Processes)
	if each > allowed {
		say("max_connections is %d with %d reserved, which leaves %d for each process.", r.limit, r.reserved, allowed)
		each = allowed
	}
	return sizeAdvice{each, why}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
