package bench

import "fmt"

// bar is something that the project has set out to reach.
type bar struct {
	what   string
	wanted string
	value  func(*Report) (float64, bool)
	holds  func(value float64) bool
}

// verdict is a bar and what a run showed.
type verdict struct {
	bar
	got   float64
	known bool // it was measured
}

// budget holds a run against the project's bars.
func (r *Report) budget() (all []verdict) {
	for _, b := range bars {
		got, ok := b.value(r)
		all = append(all, verdict{b, got, ok})
	}
	return all
}

func atMost(limit float64) func(float64) bool  { return func(v float64) bool { return v <= limit } }
func atLeast(limit float64) func(float64) bool { return func(v float64) bool { return v >= limit } }

// ratio is a figure's value; count one's that is no ratio.
func ratio(workload, contender, against string, m measure) func(*Report) (float64, bool) {
	return func(r *Report) (float64, bool) {
		f, ok := r.Find(workload, contender, against, m)
		return f.Value, ok
	}
}

func count(workload, contender string, m measure) func(*Report) (float64, bool) {
	return ratio(workload, contender, "", m)
}

// bars are in the order of the workloads.
var bars = []bar{
	{"no-op Exec through *sql.DB, 1 goroutine, against database/sql", "≤ 1.8×", ratio("no-op Exec, 1", instantOurs, instantPlain, perOp), atMost(1.8)},
	{"the same: further allocations", "0", furtherAllocations, atMost(0)},
	{"the same, 64 goroutines on 8 connections", "≤ 0.7×", ratio("no-op Exec, 64 on 8", instantOurs, instantPlain, perOp), atMost(0.7)},
	{"a connection taken and given back, against pgxpool behind database/sql", "≤ 0.4×", ratio(connName, SqlpoolPgx, PgxpoolSQL, perOp), atMost(0.4)},
	{"acquire and release, 1 goroutine, against puddle", "≤ 0.8×", ratio("loans, 1", bareSqlpool, barePuddle, perOp), atMost(0.8)},
	{"the same: allocations", "0", count(allocating+", acquire and release", instantOurs, allocs), atMost(0)},
	{"leak capture, SELECT 1 on a unix socket, throughput", "≥ 0.97×", ratio(captureName, LeakPgx, BarePgx, throughput), atLeast(0.97)},
	{"waits of 64 callers on 4 connections, p99 / p50", "≤ 1.2", ratio(waitingName, bareSqlpool, "its own p50", tail), atMost(1.2)},
	{"the same through *sql.DB", "≤ 1.2", ratio(waitingName, bareDB, "its own p50", tail), atMost(1.2)},
	{"lib/pq, one argument, 1 goroutine, throughput against database/sql", "≥ 1.25×", ratio(pqCell(1), SqlpoolPq, PlainPq, throughput), atLeast(1.25)},
	{"the same, 64 goroutines", "≥ 1.25×", ratio(pqCell(64), SqlpoolPq, PlainPq, throughput), atLeast(1.25)},
	{"the same, 1 goroutine, client CPU", "≤ 0.8×", ratio(pqCell(1), SqlpoolPq, PlainPq, cpuPerOp), atMost(0.8)},
	{"the same, 64 goroutines, client CPU", "≤ 0.8×", ratio(pqCell(64), SqlpoolPq, PlainPq, cpuPerOp), atMost(0.8)},
	{"the same with pool_cache_queries=on, 1 goroutine", "≥ 1.8×", ratio(pqCell(1), CachedPq, PlainPq, throughput), atLeast(1.8)},
	{"the same, 64 goroutines", "≥ 1.8×", ratio(pqCell(64), CachedPq, PlainPq, throughput), atLeast(1.8)},
	{"the same, 1 goroutine, client CPU", "≤ 0.65×", ratio(pqCell(1), CachedPq, PlainPq, cpuPerOp), atMost(0.65)},
	{"the same, 64 goroutines, client CPU", "≤ 0.65×", ratio(pqCell(64), CachedPq, PlainPq, cpuPerOp), atMost(0.65)},
	{"lib/pq, SELECT 1 without arguments, throughput", "≥ 0.98×", ratio(meanOf(unixSocket, string(Select)), SqlpoolPq, PlainPq, throughput), atLeast(0.98)},
	{"the same, client CPU", "≤ 1.05×", ratio(meanOf(unixSocket, string(Select)), SqlpoolPq, PlainPq, cpuPerOp), atMost(1.05)},
	{"pgx, transaction of 1 statement, server on this machine, throughput", "≥ 1.25×", ratio(meanOf(unixSocket, string(Tx1)), SqlpoolPgx, PlainPgx, throughput), atLeast(1.25)},
	{"the same, 3 statements", "≥ 1.10×", ratio(meanOf(unixSocket, string(Tx3)), SqlpoolPgx, PlainPgx, throughput), atLeast(1.1)},
	{"the same, 1 statement, server 1 ms away", "≥ 1.4×", ratio(meanOf(away, string(Tx1)), SqlpoolPgx, PlainPgx, throughput), atLeast(1.4)},
	{"the same, 3 statements", "≥ 1.2×", ratio(meanOf(away, string(Tx3)), SqlpoolPgx, PlainPgx, throughput), atLeast(1.2)},
	{"round trips of a transaction of 1 statement, pgx", "2", count(tripsOf(Tx1), SqlpoolPgx, trips), atMost(2)},
	{"the same, lib/pq", "2", count(tripsOf(Tx1), SqlpoolPq, trips), atMost(2)},
	{"the same, 3 statements, pgx", "4", count(tripsOf(Tx3), SqlpoolPgx, trips), atMost(4)},
	{"the same, lib/pq", "4", count(tripsOf(Tx3), SqlpoolPq, trips), atMost(4)},
	{"the same, unused, pgx", "0", count(tripsOf(Unused), SqlpoolPgx, trips), atMost(0)},
	{"the same, lib/pq", "0", count(tripsOf(Unused), SqlpoolPq, trips), atMost(0)},
	{"pgx, mean of all, server on this machine, throughput", "≥ 1.03×", ratio(meanOf(unixSocket), SqlpoolPgx, PlainPgx, throughput), atLeast(1.03)},
	{"the same, client CPU", "≤ 1.0×", ratio(meanOf(unixSocket), SqlpoolPgx, PlainPgx, cpuPerOp), atMost(1)},
	{"the same, throughput against native pgxpool", "≥ 1.0×", ratio(meanOf(unixSocket), SqlpoolPgx, Pgxpool, throughput), atLeast(1)},
	{"pgx, mean of all, server 1 ms away, throughput", "≥ 1.05×", ratio(meanOf(away), SqlpoolPgx, PlainPgx, throughput), atLeast(1.05)},
	{"the same, client CPU", "≤ 1.0×", ratio(meanOf(away), SqlpoolPgx, PlainPgx, cpuPerOp), atMost(1)},
	{"the same, throughput against native pgxpool", "≥ 1.0×", ratio(meanOf(away), SqlpoolPgx, Pgxpool, throughput), atLeast(1)},
	{"the same, p99 at 64 goroutines against database/sql", "≤ 0.5×", ratio(meanOf(away, goroutines(64)), SqlpoolPgx, PlainPgx, p99), atMost(0.5)},
	{"the same, p99 at 256 goroutines", "≤ 0.5×", ratio(meanOf(away, goroutines(256)), SqlpoolPgx, PlainPgx, p99), atMost(0.5)},
	{"burst of 200 on an empty pool of 50: dials at once", "≤ 4", count(burstName, SqlpoolPgx, dialsAtOnce), atMost(4)},
	{"the same: all served, against the fastest peer", "≤ 1.0×", servedAgainstBest, atMost(1)},
	{"spike of 50 callers: connections dialed for it", "≤ 2", count(spikeName, SqlpoolPgx, dialedForIt), atMost(2)},
	{"prepares of a *sql.Stmt on 10 connections, pgx", "≤ 10", count(preparesName, SqlpoolPgx, prepared), atMost(connections)},
	{"the same, lib/pq", "≤ 10", count(preparesName, SqlpoolPq, prepared), atMost(connections)},
	{"restart with 10 idle connections: errors in the next 50 queries, pgx", "0", count(restartName, SqlpoolPgx, failures), atMost(0)},
	{"the same, lib/pq", "0", count(restartName, SqlpoolPq, failures), atMost(0)},
	{"20 idle transactions cancelled: dials, pgx", "1", count(cancelledTxName, SqlpoolPgx, dials), atMost(1)},
	{"the same, lib/pq", "1", count(cancelledTxName, SqlpoolPq, dials), atMost(1)},
	{"queries cancelled on 4 connections: backends at once, pgx", "≤ 4", count(cancelledOpsName, SqlpoolPgx, backends), atMost(4)},
	{"the same, lib/pq", "≤ 4", count(cancelledOpsName, SqlpoolPq, backends), atMost(4)},
	{"bytes per waiter at 10,000 waiters, against database/sql", "≤ 1.0×", ratio(waiterFootprint, instantOurs, instantPlain, bytesEach), atMost(1)},
	{"health status read", "< 1 µs", nanoseconds(readHealth), atMost(1000)},
	{"Stats", "< 1 µs", nanoseconds(readStats), atMost(1000)},
	{"Stats: allocations", "0", count(allocating+", Stats", instantOurs, allocs), atMost(0)},
}

func pqCell(goroutines int) string { return cell{unixSocket, Argument, goroutines}.String() }

func furtherAllocations(r *Report) (float64, bool) {
	ours, ok := r.Find(allocating+", Exec", instantOurs, "", allocs)
	plain, there := r.Find(allocating+", Exec", instantPlain, "", allocs)
	return ours.Value - plain.Value, ok && there
}

func nanoseconds(what string) func(*Report) (float64, bool) {
	return func(r *Report) (float64, bool) {
		f, ok := r.Find(readingName, what, readDBStats, perOp)
		return f.Own, ok
	}
}

func servedAgainstBest(r *Report) (float64, bool) {
	ours, ok := r.Find(burstName, SqlpoolPgx, PlainPgx, served)
	best := 1.0 // the plain pool's own
	for _, peer := range []string{PgxpoolSQL, Pgxpool} {
		if f, there := r.Find(burstName, peer, PlainPgx, served); there {
			best = min(best, f.Value)
		}
	}
	return ours.Value / best, ok
}

// String is the verdict in a word.
func (v verdict) String() string {
	switch {
	case !v.known:
		return "not measured"
	case v.holds(v.got):
		return "holds"
	}
	return "**missed**"
}

// shown is the value as it is written.
func (v verdict) shown() string {
	switch {
	case !v.known:
		return "–"
	case v.wanted == "< 1 µs":
		return fmt.Sprintf("%.0f ns", v.got)
	case v.got == float64(int(v.got)):
		return fmt.Sprintf("%.0f", v.got)
	}
	return fmt.Sprintf("%.2f", v.got)
}
