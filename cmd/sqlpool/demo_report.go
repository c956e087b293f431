package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sqlpool/go/conformance/outage/workload"
)

// Columns of the report: what it is, then one for each driver.
const (
	labelWidth  = 66
	columnWidth = 13
)

// write prints the result for people.
func (r *demoResult) write(w io.Writer) error {
	var b strings.Builder
	where := "your server"
	if r.Server.Private {
		where = "a private server"
	}
	version, _, _ := strings.Cut(r.Server.Version, " ") // the rest is who built it
	fmt.Fprintf(&b, "PostgreSQL %s on %s; %d goroutines on at most %d connections, %v s per driver, seed %d\n\n",
		version, where, r.Settings.Goroutines, r.Settings.MaxConns, r.Settings.Duration, r.Settings.Seed)

	row := func(label string, cell func(driverResult) string) {
		fmt.Fprintf(&b, "%-*s", labelWidth, label)
		for _, d := range r.Drivers {
			fmt.Fprintf(&b, "%*s", columnWidth, cell(d))
		}
		b.WriteByte('\n')
	}
	number := func(label string, of func(driverResult) int64) {
		row(label, func(d driverResult) string { return thousands(of(d)) })
	}
	row("what ran", func(d driverResult) string { return d.title })
	number("  transfers acknowledged", func(d driverResult) int64 { return d.Ran.Transfers })
	number("  transfers refused for lack of money", func(d driverResult) int64 { return d.Ran.Refused })
	number("  reads", func(d driverResult) int64 { return d.Ran.Reads })
	number("  sums over all accounts", func(d driverResult) int64 { return d.Ran.Audits })
	number("  operations cancelled as planned", func(d driverResult) int64 { return d.Ran.Cancelled })
	number("  statements in all", func(d driverResult) int64 { return d.Ran.Statements })
	b.WriteString("figures\n")
	number("  transfers per second", func(d driverResult) int64 { return int64(d.Throughput.Transfers) })
	number("  statements per second", func(d driverResult) int64 { return int64(d.Throughput.Statements) })
	row("  wait for a connection, p50 / p99, ms", func(d driverResult) string {
		return fmt.Sprintf("%.1f / %.1f", d.AcquireWait.P50, d.AcquireWait.P99)
	})
	number("  dials", func(d driverResult) int64 { return int64(d.Dials) })
	row("  backends, the most at once, counted on the server", func(d driverResult) string {
		if d.BackendsPeak.NotCounted != "" {
			return statusWords[workload.NotCounted]
		}
		return thousands(int64(d.BackendsPeak.Count))
	})
	row("  prepares / executions, counted there in a round of their own", func(d driverResult) string {
		if d.Prepares.NotCounted != "" {
			return statusWords[workload.NotCounted]
		}
		return thousands(int64(d.Prepares.Count)) + " / " + thousands(d.Prepares.Executions)
	})
	if r.Drivers[0].Replicas != nil {
		b.WriteString("replicas were read from, and one of them was taken away for a moment\n")
		replicas := func(label string, cell func(*replicasResult) string) {
			row("  "+label, func(d driverResult) string {
				if d.Replicas == nil {
					return "–"
				}
				return cell(d.Replicas)
			})
		}
		for i := range r.Drivers[0].Replicas.Reads {
			label := "reads on the primary"
			if i > 0 {
				label = fmt.Sprintf("reads on replica %d", i)
			}
			replicas(label, func(o *replicasResult) string { return thousands(o.Reads[i]) })
		}
		replicas("of these, in sessions that write too", func(o *replicasResult) string { return thousands(o.InSessions) })
		replicas("of these, older than what the session had written", func(o *replicasResult) string { return thousands(o.Stale) })
		replicas("reads under way that were lost, and said so", func(o *replicasResult) string { return thousands(o.Lost) })
		replicas("other errors", func(o *replicasResult) string { return thousands(o.Errors) })
		replicas("first read on the replica after it was back, ms", func(o *replicasResult) string { return fmt.Sprintf("%.0f", o.Back) })
	}
	if r.Drivers[0].Outage != nil {
		b.WriteString("the server was taken away, in the middle of it\n")
		outage := func(label string, cell func(*outageResult) string) {
			row("  "+label, func(d driverResult) string {
				if d.Outage == nil {
					return "–"
				}
				return cell(d.Outage)
			})
		}
		outage("away, s", func(o *outageResult) string { return fmt.Sprintf("%.1f", o.Away) })
		outage("callers that waited it out", func(o *outageResult) string { return thousands(o.Waited) })
		outage("statements under way that were lost, and said so", func(o *outageResult) string { return thousands(o.Lost) })
		outage("callers refused at once, because it lasted", func(o *outageResult) string { return thousands(o.Refused) })
		outage("other errors", func(o *outageResult) string { return thousands(o.Errors) })
		outage("first answer after the server was back, ms", func(o *outageResult) string { return fmt.Sprintf("%.0f", o.Recovered) })
	}
	b.WriteString("checks\n")
	var notes []string
	for i, check := range r.Drivers[0].Checks {
		row("  "+check.Rule, func(d driverResult) string {
			if found := d.Checks[i]; found.Detail != "" {
				notes = append(notes, fmt.Sprintf("%s, %s: %s: %s\n", d.title, found.Rule, statusWords[found.Status], found.Detail))
			}
			return statusWords[d.Checks[i].Status]
		})
	}
	if len(notes) > 0 {
		b.WriteString("\n" + strings.Join(notes, ""))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// thousands writes a number with separators: 1234567 as 1,234,567.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
