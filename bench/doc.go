// Package bench measures the pool beside its peers.
//
// Absolute times mean little on a shared machine. So every figure is either a count, or
// a ratio of two contenders that took turns, a short stretch each, in several rounds:
// the median of the rounds' ratios, with their quartiles. An A/A run (the same
// contender under a second name) stands beside them; its distance from 1 is the
// measurement error.
//
// A measurement, file by file: contenders.go, pgxpool.go, lenders.go and hooks.go open the contenders;
// client.go, pgxclient.go and op.go are the operations; stretch.go runs one contender for a
// moment and turns.go lets all take turns; workloads.go lists what is measured, each workload a file
// of its own; figure.go, means.go and report.go keep the results, budget.go compares them with the
// project's targets and gate.go with an earlier run; markdown.go, tables.go, headline.go, chart.go and
// page.go show them.
//
// Command run does all of it: see make bench.
package bench
