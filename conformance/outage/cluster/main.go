//go:build unix

// Command cluster has the leader of a Patroni cluster change under the callers of
// every contender, on every way to it, and writes what came of it as JSON and into
// docs/outages.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"

	"github.com/sqlpool/go/conformance/outage"
	"github.com/sqlpool/go/conformance/outage/patroni"
	"github.com/sqlpool/go/internal/page"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var (
		asJSON = flag.String("json", "cluster.json", "`file` for the figures")
		fill   = flag.String("fill", "", "`file` that has marks for the table; none by default")
		move   = flag.String("move", "", "only moves whose name contains this")
		way    = flag.String("way", "", "only the way of this name")
		pool   = flag.String("pool", "", "only pools whose name contains this")
		driver = flag.String("driver", "", "only this driver")
		from   = flag.String("from", "", "`file` with the figures of an earlier run: print those, and measure nothing")
		limit  = flag.Duration("limit", 2*time.Hour, "give up after this long")
		say    = flag.Bool("v", false, "print the errors that callers saw")
	)
	flag.Parse()
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	if *from != "" {
		text, err := os.ReadFile(*from)
		if err != nil {
			return err
		}
		var report outage.ClusterReport
		if err := json.Unmarshal(text, &report); err != nil {
			return fmt.Errorf("%s: %w", *from, err)
		}
		return fillPage(report, *fill)
	}

	programs, err := patroni.Versions(ctx)
	if err != nil {
		return err
	}
	r := &runner{keep: *asJSON, say: *say, begun: time.Now()}
	r.report.Machine = fmt.Sprintf("Measured on %d cores of %s/%s with %s and %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), programs)
	var failed error
	for _, m := range outage.Moves() {
		for _, w := range outage.Ways() {
			if w.Moves != "" && w.Moves != m.Name || !strings.Contains(m.Name, *move) || *way != "" && w.Name != *way {
				continue
			}
			for _, c := range outage.Contenders() {
				if strings.Contains(c.Pool, *pool) && (*driver == "" || c.Driver == *driver) {
					failed = errors.Join(failed, r.measure(ctx, m, w, c))
				}
			}
		}
	}
	if failed = errors.Join(failed, r.close()); failed != nil {
		return failed // the page keeps what it has; -from prints what was measured
	}
	return fillPage(r.report, *fill)
}

// runner has the cluster on which one measurement follows another, and what they gave.
type runner struct {
	cluster *outage.Cluster // nil before the first measurement, and after one that failed
	report  outage.ClusterReport
	begun   time.Time
	keep    string // the file for the figures
	say     bool
}

// attempts is how often a measurement is tried. Patroni does not always get its
// cluster whole again, least of all on a busy machine; that is no figure of a pool.
const attempts = 3

func (r *runner) measure(ctx context.Context, m outage.Move, w outage.Way, c outage.Contender) (err error) {
	for range attempts {
		var figures outage.ClusterFigures
		if figures, err = r.once(ctx, m, w, c); err == nil {
			r.print(figures)
			r.report.Figures = append(r.report.Figures, figures)
			return r.save()
		}
		err = fmt.Errorf("%s, %s, %s on %s: %w", m.Name, w.Name, c.Pool, c.Driver, err)
		fmt.Println(err)
		if ended := r.close(); ended != nil { // what is left of it would spoil the next figures
			return errors.Join(err, ended)
		}
		if ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (r *runner) once(ctx context.Context, m outage.Move, w outage.Way, c outage.Contender) (f outage.ClusterFigures, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if r.cluster == nil {
		if r.cluster, err = outage.NewCluster(ctx); err != nil {
			return f, err
		}
	}
	return r.cluster.MeasureMove(ctx, m, w, c)
}

func (r *runner) close() error {
	if r.cluster == nil {
		return nil
	}
	err := r.cluster.Close()
	r.cluster = nil
	return err
}

func (r *runner) print(f outage.ClusterFigures) {
	fmt.Printf("%-26s %-28.28s %-6s %-13s %4d of %5d errors, leaderless %6.0f ms, first %7.1f ms, all %7.1f ms, late %6.1f ms, %4d dials, %d on the demoted, twice %d, denied %d, lost %d\n",
		f.Fault, f.Way, f.Driver, f.Pool, f.Errors, f.Statements, f.Leaderless, f.FirstSuccess, f.FullService,
		f.WorstOverrun, f.Dials, f.OnDemoted, f.Doubled, f.Ghosts, f.Lost)
	if r.say {
		fmt.Println("\t" + strings.Join(f.Messages, "\n\t"))
	}
}

// save writes all figures after each measurement: a run takes long.
func (r *runner) save() error {
	r.report.Took = time.Since(r.begun).Round(time.Second).String()
	text, err := json.MarshalIndent(r.report, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(r.keep, append(text, '\n'), 0o644)
}

func fillPage(report outage.ClusterReport, fill string) error {
	if fill == "" {
		return nil
	}
	return page.FillFile(fill, outage.ClusterMarks, report.Table())
}
