package bench

import (
	"fmt"
	"strings"
)

func callsSection(r *Report, b *strings.Builder) {
	b.WriteString("A loan begun and ended, time per loan against puddle's; with more goroutines than connections a holder yields once:\n\n")
	r.ratioTable(b, bareNames(), barePuddle, perOp, "loans, 1", "loans, 64 on 8", "loans, 1000 on 10")
	b.WriteString("\nA call through `*sql.DB` on a driver that answers at once, time per call against database/sql's own pool:\n\n")
	var all []string
	for _, in := range instants {
		all = append(all, in.name)
	}
	r.ratioTable(b, all, instantPlain, perOp, "no-op Exec, 1", "no-op Exec, 64 on 8", "no-op Query, 1", "no-op Query, 64 on 8")
	b.WriteString("\n`db.Conn` and its `Close` on real connections of pgx, and what a dashboard reads:\n\n")
	r.ratioTable(b, []string{PlainPgx, PlainPgx2, Pgxpool, SqlpoolPgx}, PgxpoolSQL, perOp, connName)
	b.WriteByte('\n')
	r.ratioTable(b, []string{readDBStats, readDBStats2, readStats, readHealth}, readDBStats, perOp, readingName)
}

func bareNames() (list []string) {
	for _, b := range bares {
		list = append(list, b.name)
	}
	return list
}

// ratioTable has a row for each contender and a column for each workload, with
// the contender's own nanoseconds in the last one as an order of magnitude.
func (r *Report) ratioTable(b *strings.Builder, contenders []string, against string, m measure, workloads ...string) {
	var lines [][]string
	for _, c := range contenders {
		line := []string{mark(c)}
		own := "–"
		for i, w := range workloads {
			f, ok := r.Find(w, c, against, m)
			if i == 0 && ok {
				own = fmt.Sprintf("%.0f ns", f.Own)
			}
			line = append(line, r.times(w, c, against, m))
		}
		lines = append(lines, append(line, own))
	}
	head := append([]string{"contender"}, workloads...)
	table(b, 1, append(head, workloads[0]+", here"), lines)
}

func waitsSection(r *Report, b *strings.Builder) {
	var lines [][]string
	for _, c := range bares {
		f, ok := r.Find(waitingName, c.name, "its own p50", tail)
		if !ok {
			continue
		}
		line := []string{mark(c.name)}
		for _, m := range []measure{p50, p90, p99, slowest} {
			line = append(line, fmt.Sprintf("%.1f ms", r.own(waitingName, c.name, m)))
		}
		lines = append(lines, append(line, fmt.Sprintf("%.2f %s", f.Value, f.quartiles())))
	}
	table(b, 1, []string{"contender", "p50", "p90", "p99", "slowest", "p99 / p50"}, lines)
}

// own is the value of a count.
func (r *Report) own(workload, contender string, m measure) float64 {
	f, _ := r.Find(workload, contender, "", m)
	return f.Value
}

func countsSection(r *Report, b *strings.Builder) {
	counts := []struct {
		title, workload string
		m               measure
	}{
		{"burst: dials at once", burstName, dialsAtOnce},
		{"burst: connections dialed", burstName, dials},
		{"spike: connections dialed", spikeName, dialedForIt},
		{"prepares", preparesName, prepared},
		{"restart: errors", restartName, failures},
		{"cancelled transactions: dials", cancelledTxName, dials},
		{"cancelled queries: backends", cancelledOpsName, backends},
	}
	head := []string{"contender"}
	for _, c := range counts {
		head = append(head, c.title)
	}
	var lines [][]string
	for _, contender := range pick(PlainPgx, PgxpoolSQL, Pgxpool, SqlpoolPgx, PlainPq, SqlpoolPq) {
		line := []string{mark(contender.Name)}
		for _, c := range counts {
			f, ok := r.Find(c.workload, contender.Name, "", c.m)
			switch {
			case !ok:
				line = append(line, "")
			case f.Low != f.High:
				line = append(line, fmt.Sprintf("%.0f <sub>%.0f–%.0f</sub>", f.Value, f.Low, f.High))
			default:
				line = append(line, fmt.Sprintf("%.0f", f.Value))
			}
		}
		lines = append(lines, line)
	}
	table(b, 1, head, lines)
}

func livesSection(r *Report, b *strings.Builder) {
	var lines [][]string
	for _, c := range pick(PlainPgx2, PgxpoolSQL, Pgxpool, SqlpoolPgx, BarePgx, SqlpoolPq) {
		lines = append(lines, []string{
			mark(c.Name), r.times(startStopName, c.Name, c.Against, opening), r.times(startStopName, c.Name, c.Against, closing),
			r.times(burstName, c.Name, c.Against, served), r.times(spikeName, c.Name, PlainPgx, served),
		})
	}
	table(b, 1, []string{"contender", "start, 2 connections", "stop", "burst served", "spike served"}, lines)
	b.WriteByte('\n')
	lines = nil
	for _, f := range footprints {
		waiter, _ := r.Find(waiterFootprint, f.name, instantPlain, bytesEach)
		idle, _ := r.Find(idleFootprint, f.name, instantPlain, bytesEach)
		lines = append(lines, []string{
			mark(f.name), fmt.Sprintf("%.0f", idle.Own), r.times(idleFootprint, f.name, instantPlain, bytesEach),
			fmt.Sprintf("%.0f", r.own(idleFootprint, f.name, goroutinesEach)),
			fmt.Sprintf("%.0f", waiter.Own), r.times(waiterFootprint, f.name, instantPlain, bytesEach),
		})
	}
	table(b, 1, []string{"contender", "bytes per idle connection", "", "goroutines of a pool", "bytes per waiter", ""}, lines)
}
