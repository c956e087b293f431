package bench

import (
	"fmt"
	"math"
	"strings"
)

// section is a part of a page that is made from a report.
type section struct {
	name  string
	write func(*Report, *strings.Builder)
}

// sections by the name that stands in a page's markers.
var sections = []section{
	{"headline", headlineSection}, // for the README
	{"machine", machineSection},
	{"budget", budgetSection},
	{"server", serverSection},
	{"operations", operationsSection},
	{"calls", callsSection},
	{"capture", captureSection},
	{"waits", waitsSection},
	{"shares", sharesSection},
	{"counts", countsSection},
	{"lives", livesSection},
}

// table writes a Markdown table. Its first columns are text, the others numbers.
func table(b *strings.Builder, text int, head []string, rows [][]string) {
	fmt.Fprintf(b, "| %s |\n|", strings.Join(head, " | "))
	for i := range head {
		if i < text {
			b.WriteString("---|")
		} else {
			b.WriteString("---:|")
		}
	}
	b.WriteByte('\n')
	for _, row := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
}

func machineSection(r *Report, b *strings.Builder) {
	fmt.Fprintf(b, "Measured on %d cores of %s with %s, PostgreSQL %s, pgx %s, lib/pq %s and puddle %s, in %d rounds, %.0f minutes in all.\n",
		r.Cores, r.Machine, r.Go, r.Postgres, r.Modules["github.com/jackc/pgx/v5"], r.Modules["github.com/lib/pq"],
		r.Modules["github.com/jackc/puddle/v2"], r.Rounds, math.Ceil(r.Took.Minutes()))
	if r.Short {
		b.WriteString("A short run: the figures show that everything works, and no more.\n")
	}
}

func budgetSection(r *Report, b *strings.Builder) {
	var lines [][]string
	for _, v := range r.budget() {
		lines = append(lines, []string{v.what, v.wanted, v.shown(), v.String()})
	}
	table(b, 1, []string{"what", "bar", "measured", ""}, lines)
}

// times writes a ratio with its quartiles.
func (r *Report) times(workload, contender, against string, m measure) string {
	f, ok := r.Find(workload, contender, against, m)
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%s %s", f.times(), f.quartiles())
}

func (f Figure) times() string     { return fmt.Sprintf("%.2f×", f.Value) }
func (f Figure) quartiles() string { return fmt.Sprintf("<sub>%.2f–%.2f</sub>", f.Low, f.High) }

// mark makes this module's rows stand out.
func mark(name string) string {
	if isOurs(name) {
		return "**" + name + "**"
	}
	return name
}

func serverSection(r *Report, b *strings.Builder) {
	for _, place := range []string{unixSocket, away} {
		fmt.Fprintf(b, "%s, geometric means over the seven operations, each a ratio to database/sql with the same driver:\n\n",
			map[string]string{unixSocket: "Over a unix socket", away: "A server about 1 ms of round trip away"}[place])
		head := []string{"contender", "throughput, all"}
		for _, n := range callers {
			head = append(head, goroutines(n))
		}
		head = append(head, "p99, 64", "p99, 256", "client CPU")
		var lines [][]string
		for _, c := range Contenders {
			if _, ok := r.Find(meanOf(place), c.Name, c.Against, throughput); !ok || c.Name == c.Against {
				continue
			}
			line := []string{mark(c.Name), r.times(meanOf(place), c.Name, c.Against, throughput)}
			for _, n := range callers {
				line = append(line, r.times(meanOf(place, goroutines(n)), c.Name, c.Against, throughput))
			}
			for _, n := range []int{64, 256} {
				line = append(line, r.times(meanOf(place, goroutines(n)), c.Name, c.Against, p99))
			}
			lines = append(lines, append(line, r.times(meanOf(place), c.Name, c.Against, cpuPerOp)))
		}
		table(b, 1, head, lines)
		b.WriteByte('\n')
	}
	var lines [][]string
	for _, pair := range rivals {
		lines = append(lines, []string{
			mark(pair[0]), pair[1],
			r.times(meanOf(unixSocket), pair[0], pair[1], throughput), r.times(meanOf(unixSocket), pair[0], pair[1], cpuPerOp),
			r.times(meanOf(unixSocket, goroutines(64)), pair[0], pair[1], p99),
		})
	}
	b.WriteString("And against others than the plain pool, over a unix socket:\n\n")
	table(b, 2, []string{"contender", "against", "throughput", "client CPU", "p99, 64"}, lines)
}

func operationsSection(r *Report, b *strings.Builder) {
	head := []string{"contender"}
	for _, op := range ServerOps {
		head = append(head, string(op))
	}
	for i, place := range []string{unixSocket, away} {
		if i > 0 {
			b.WriteString("\nA server about 1 ms of round trip away:\n\n")
		}
		var lines [][]string
		for _, c := range Contenders {
			if _, ok := r.Find(meanOf(place), c.Name, c.Against, throughput); !ok || c.Name == c.Against {
				continue
			}
			line := []string{mark(c.Name)}
			for _, op := range ServerOps {
				line = append(line, r.times(meanOf(place, string(op)), c.Name, c.Against, throughput))
			}
			lines = append(lines, line)
		}
		table(b, 1, head, lines)
	}
	head = []string{"round trips"}
	for _, op := range tripOps {
		head = append(head, string(op))
	}
	b.WriteString("\nRound trips of one operation, counted:\n\n")
	var lines [][]string
	for _, c := range pick(tripContenders...) {
		line := []string{mark(c.Name)}
		for _, op := range tripOps {
			line = append(line, fmt.Sprintf("%.1f", r.own(tripsOf(op), c.Name, trips)))
		}
		lines = append(lines, line)
	}
	table(b, 1, head, lines)
}
