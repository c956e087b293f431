//go:build unix

package outage

import (
	"fmt"
	"strings"
	"time"
)

// clusterEvery is half the usual demand: three servers share the machine, and each
// commit waits for one of the others.
const clusterEvery = 2 * every

// ClusterMarks is the name of the marks in docs/outages.md between which the command
// cluster writes its report. The command matrix writes all else of the page.
const ClusterMarks = "outage:cluster"

const clusterSection = `## A Patroni cluster

Three nodes of Patroni, in synchronous mode, with etcd. Its leader changes while callers write through each pool and on each way to
the leader. ` + "`make cluster`" + ` runs it (Linux; about an hour) and writes this section. Patroni's times are shorter than its defaults: a ttl
of 10 s and a loop_wait of 2 s.

- **leaderless**: from the start of the move until another node takes writes. It is Patroni's time and differs from one run to the
  next; the number of errors grows with it. **first** and **all** count from its end, so that pools can be compared.
- The callers work until the earlier leader is back as a standby and all of them have been served for a second. An error before that, as on a
  node that was frozen and goes on, counts in **errors** and in **all**.
- **demoted**: the callers' connections on the earlier leader at that time. A pool that has some sends its writes to a standby.
- The other columns are those of the tables above.

etcd is spoken to in version 2 of its API. In version 3, Patroni 3.0.2 updates the leader's key without looking who holds it: a
leader that was frozen and goes on can take the lead back, and what its successor had acknowledged is gone. No pool can help that.

<!-- ` + ClusterMarks + ` -->
<!-- /` + ClusterMarks + ` -->
`

// ClusterFigures are what a move of the leader did to the callers of one contender.
type ClusterFigures struct {
	Figures
	Way        string  `json:"way"`           // Way.Name
	Leaderless float64 `json:"leaderless_ms"` // until another node took writes
	OnDemoted  int     `json:"on_demoted"`    // callers' sessions on the earlier leader, when it was a standby and all was quiet
}

// ClusterReport is a run of the cluster's matrix.
type ClusterReport struct {
	Machine string           `json:"machine"` // cores, versions
	Took    string           `json:"took"`    // so far
	Figures []ClusterFigures `json:"figures"` // in the order of measurement
}

const clusterColumns = "| driver | pool | way | errors | leaderless | first | all | late | dials | demoted | twice | denied | lost | noise |"

// Table is the report for people.
func (r ClusterReport) Table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, in %s. %d callers write %d times a second.\n\n", r.Machine, r.Took, callers, callers*int(time.Second/clusterEvery))
	for _, w := range Ways() {
		fmt.Fprintf(&b, "- **%s**: %s\n", w.Name, w.What)
	}
	for _, move := range Moves() {
		var rows strings.Builder
		for _, w := range Ways() {
			for _, f := range r.Figures {
				if f.Fault == move.Name && f.Way == w.Name {
					rows.WriteString(f.row())
				}
			}
		}
		if rows.Len() > 0 {
			fmt.Fprintf(&b, "\n### Cluster: %s\n\n%s Each write has a deadline of %v.\n\n%s%s", move.Name, move.What, move.Deadline, clusterHeading(), rows.String())
		}
	}
	return b.String()
}

func clusterHeading() string {
	return clusterColumns + "\n|---|---|---" + strings.Repeat("|---:", strings.Count(clusterColumns, "|")-4) + "|\n"
}

func (f ClusterFigures) row() string {
	return fmt.Sprintf("| %s | %s | %s | %d of %d | %s | %s | %s | %s | %d | %s | %s |\n",
		f.driver(), f.name(), f.Way, f.Errors, f.Statements, length(f.Leaderless), length(f.FirstSuccess), length(f.FullService), f.late(), f.Dials,
		count(f.OnDemoted), f.end())
}
