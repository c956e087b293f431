package bench

// rivals are ratios within the server's workloads that are not to the plain
// pool: what a hook costs, and the other pools on pgx.
var rivals = [][2]string{
	{SqlpoolPgx, PgxpoolSQL}, {SqlpoolPgx, Pgxpool}, {Loans, Pgxpool}, {SqlpoolPgx, BarePgx}, {CachedPq, SqlpoolPq},
}

// summarise adds the geometric means: over everything, for each number of
// goroutines, and for each operation. Held are throughput and processor time of
// means over all operations, and the p99 where there is a queue: between runs,
// a single operation's contenders differ by how their connections happen to lie,
// and a median of few callers by which of two ways the scheduler takes.
func (l *lab) summarise(place string, cells map[cell]turns, entrants []entrant) {
	var pairs [][2]string
	present := map[string]bool{}
	for _, e := range entrants {
		present[e.name] = true
	}
	for _, e := range entrants {
		if present[e.against] {
			pairs = append(pairs, [2]string{e.name, e.against})
		}
	}
	for _, pair := range rivals {
		if present[pair[0]] && present[pair[1]] {
			pairs = append(pairs, pair)
		}
	}
	steady := func(m measure) bool { return m == throughput || m == cpuPerOp }
	queues := func(m measure) bool { return steady(m) || m == p99 }
	none := func(measure) bool { return false }
	mean := func(workload string, held func(measure) bool, in func(cell) bool) {
		for _, pair := range pairs {
			for _, m := range serverMeasures {
				var all [][]float64
				for c, found := range cells {
					if in(c) {
						all = append(all, found.ratios(pair[0], pair[1], m))
					}
				}
				l.add(Figure{
					Workload: workload, Contender: pair[0], Against: pair[1], Measure: m,
					Held: held(m) && isOurs(pair[0]) && pair[0] != pair[1],
				}, means(all))
			}
		}
	}
	mean(meanOf(place), steady, func(cell) bool { return true })
	for _, n := range callers {
		held := steady
		if n > connections {
			held = queues
		}
		mean(meanOf(place, goroutines(n)), held, func(c cell) bool { return c.goroutines == n })
	}
	for _, op := range ServerOps {
		mean(meanOf(place, string(op)), none, func(c cell) bool { return c.op == op })
	}
}
