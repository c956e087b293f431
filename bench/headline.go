package bench

import (
	"fmt"
	"strings"
)

// headlineSection is a page in a table: the other pools and this one, each
// against database/sql's own with the same driver.
func headlineSection(r *Report, b *strings.Builder) {
	var lines [][]string
	for _, c := range pick(PgxpoolSQL, Pgxpool, SqlpoolPgx, Loans, SqlpoolPq, CachedPq) {
		line := []string{
			mark(c.Name), c.Against,
			r.short(meanOf(unixSocket), c, throughput), r.short(meanOf(away), c, throughput), r.short(meanOf(away, goroutines(64)), c, p99),
			r.short(meanOf(unixSocket), c, cpuPerOp), "", "",
		}
		for i, count := range []struct {
			workload string
			m        measure
		}{{burstName, dialsAtOnce}, {spikeName, dialedForIt}} {
			if f, ok := r.Find(count.workload, c.Name, "", count.m); ok {
				line[6+i] = fmt.Sprintf("%.0f", f.Value)
			}
		}
		lines = append(lines, line)
	}
	table(b, 2, []string{
		"", "against", "throughput", "1 ms away", "p99, 64 callers, 1 ms away", "client CPU", "dials at once in a burst of 200", "dials for a spike of 50",
	}, lines)
}

// short is a ratio without its quartiles.
func (r *Report) short(workload string, c Contender, m measure) string {
	f, ok := r.Find(workload, c.Name, c.Against, m)
	if !ok {
		return "–"
	}
	return f.times()
}
