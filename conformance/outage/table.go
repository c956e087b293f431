//go:build unix

package outage

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// Report is a run of the matrix.
type Report struct {
	Machine string    `json:"machine"` // cores, versions
	Took    string    `json:"took"`
	Figures []Figures `json:"figures"`
}

const preface = `# Outages

For engineers who want to know what a fault costs: what callers of a *sql.DB see when their database goes away and comes back.
sqlpool is compared with the other pools that a program could use, each on the same fault and on its own PostgreSQL server. ` + "`make outage`" + `
runs all of it and writes this page.

%s, in %s.

The load is the same for every fault. Together, %d callers on at most %d connections want a thousand INSERTs a second. Each INSERT has a
deadline of %v and its own token; half of them have no arguments. Every pool has its own defaults except for the limit of
connections. "plain" is database/sql's own pool with as many idle connections as open ones. In a shortage the database is there but
cannot serve all callers; each INSERT then keeps its connection busy for %v.

- **errors**: statements that failed, of those that began after the start of the fault.
- **first**, **all**: from the moment the server accepts again until the first statement is served, and until every caller is
  served with no error after it. "never" means: not within %v.
- **late**: the longest time by which a call exceeded its deadline. "stuck" calls had not returned 5 s after their callers were told
  to stop.
- **dials**: those that began after the start of the fault, successful or not.
- **conns**: the most connections at once on the server that accepts writes at the end.
- **left**: connections and goroutines that were still there 5 s after the pool was closed.
- **twice**: tokens that the server has more than once, although no caller asked twice. **denied**: tokens that the server has,
  although the caller's error says that nothing was written (a refused dial, after a first try that was hidden from the caller).
  **lost**: tokens that were acknowledged and that the server does not have.
- **served**: in a shortage, how many statements were served, as a share of those that the connections could serve if they were never idle and
  only the server's work took time. Callers who still wait at the end are served after it, which can make the share larger. **failed**:
  statements that were not served, of those that came.
- **noise**: how late the machine woke a goroutine during the fault; no figure in the row is more exact.

If a pool refuses at once, its callers fail more often in the same time. In a long outage the number of errors shows how
fast they come; "first" and "all" show the cost. sqlpool's first success waits for the next probe, which is away at most a
twentieth of the time that the outage has lasted, and 200 ms, while it has no connection. A pooler that has not yet found its server again refuses that probe too, and the next one
is as far away. In return sqlpool dials a server that is down five times a second and not a thousand times.

`

// Table writes the report for people.
func (r Report) Table(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, preface, r.Machine, r.Took, callers, MaxConns, deadline, takes, patience)
	b.WriteString("## All faults together\n\n" + r.Totals() + "\n")
	for _, fault := range Faults() {
		var rows []Figures
		for _, f := range r.Figures {
			if f.Fault == fault.Name {
				rows = append(rows, f)
			}
		}
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(&b, "## %s\n\n%s\n\n", strings.ToUpper(fault.Name[:1])+fault.Name[1:], fault.What)
		columns, row := outageColumns, Figures.outageRow
		if fault.Shortage != nil {
			columns, row = shortageColumns, Figures.shortageRow
		}
		b.WriteString(heading(columns))
		for _, f := range rows {
			b.WriteString(row(f))
		}
		b.WriteString("\n")
	}
	b.WriteString(clusterSection)
	_, err := io.WriteString(w, b.String())
	return err
}

// heading is the head of a table whose first two columns are text.
func heading(columns string) string {
	return columns + "\n|---|---" + strings.Repeat("|---:", strings.Count(columns, "|")-3) + "|\n"
}

const totalColumns = "| driver | pool | statements that failed | slowest to serve all | never served again | latest call | served at worst in a shortage | dials | twice | denied | lost |"

// Totals is a table with a row for each contender over all faults. Statements that
// fail in a shortage are not among those that failed: some must.
func (r Report) Totals() string {
	var b strings.Builder
	b.WriteString(heading(totalColumns))
	for _, c := range Contenders() {
		var sum Figures
		never, share := 0, math.Inf(1)
		for _, f := range r.Figures {
			if f.Pool != c.Pool || f.Driver != c.Driver {
				continue
			}
			sum.Pool, sum.Driver = f.Pool, f.Driver
			sum.Dials += f.Dials
			sum.Doubled += f.Doubled
			sum.Ghosts += f.Ghosts
			sum.Lost += f.Lost
			sum.WorstOverrun = max(sum.WorstOverrun, f.WorstOverrun)
			if f.Possible > 0 {
				share = min(share, f.share())
				continue
			}
			sum.Errors += f.Errors
			sum.FullService = max(sum.FullService, f.FullService)
			if f.FullService < 0 {
				never++
			}
		}
		if sum.Pool == "" {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %s | %s | %s | %d | %s | %s | %s |\n", sum.driver(), sum.name(), sum.Errors,
			length(sum.FullService), count(never), length(sum.WorstOverrun), percent(share), sum.Dials, count(sum.Doubled), count(sum.Ghosts), count(sum.Lost))
	}
	return b.String()
}

func (f Figures) name() string {
	if f.Pool == "sqlpool" {
		return "**sqlpool**"
	}
	return strings.Replace(f.Pool, "database/sql", "plain", 1)
}

func (f Figures) driver() string { return strings.Replace(f.Driver, "libpq", "lib/pq", 1) }

const outageColumns = "| driver | pool | errors | first | all | late | dials | conns | left | twice | denied | lost | noise |"

func (f Figures) outageRow() string {
	return fmt.Sprintf("| %s | %s | %d of %d | %s | %s | %s | %d | %d | %s | %s |\n",
		f.driver(), f.name(), f.Errors, f.Statements, length(f.FirstSuccess), length(f.FullService), f.late(), f.Dials,
		f.PeakConns, left(f.ConnsLeft, f.GoroutinesLeft), f.end())
}

const shortageColumns = "| driver | pool | served | | failed | late | dials | left | twice | denied | lost | noise |"

func (f Figures) shortageRow() string {
	return fmt.Sprintf("| %s | %s | %d of %d | %s | %d of %d | %s | %d | %s | %s |\n",
		f.driver(), f.name(), f.Served(), f.Possible, percent(f.share()), f.Errors, f.Statements, f.late(), f.Dials,
		left(f.ConnsLeft, f.GoroutinesLeft), f.end())
}

// share is the part of what is possible that was served in a shortage.
func (f Figures) share() float64 { return float64(f.Served()) / float64(f.Possible) }

func (f Figures) late() string {
	late := length(f.WorstOverrun)
	if f.WorstOverrun == 0 {
		late = "–"
	}
	if f.Stuck > 0 {
		late = fmt.Sprintf("%s, %d stuck", late, f.Stuck)
	}
	return late
}

// end is the last columns of either table.
func (f Figures) end() string {
	return fmt.Sprintf("%s | %s | %s | %s", count(f.Doubled), count(f.Ghosts), count(f.Lost), length(f.Noise))
}

func percent(share float64) string {
	if math.IsInf(share, 1) {
		return "–" // of nothing
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

func left(conns, goroutines int) string {
	if conns+goroutines == 0 {
		return "–"
	}
	return fmt.Sprintf("%d + %d", conns, goroutines)
}

func count(n int) string {
	if n == 0 {
		return "–"
	}
	return fmt.Sprintf("**%d**", n)
}

// length prints milliseconds so that they can be compared at a glance.
func length(ms float64) string {
	switch {
	case ms < 0:
		return "never"
	case ms < 1:
		return "< 1 ms"
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	default:
		return fmt.Sprintf("%.1f s", ms/float64(time.Second/time.Millisecond))
	}
}
