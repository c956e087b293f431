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
		return print(report, *fill)
	}

	begun := time.Now()
	report := outage.ClusterReport{}
	programs, err := patroni.Versions(ctx)
	if err != nil {
		return err
	}
	report.Machine = fmt.Sprintf("Measured on %d cores of %s/%s with %s and %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), programs)
	var failed error
	var troupe *outage.Troupe
	defer func() {
		if troupe != nil {
			_ = troupe.Close()
		}
	}()
	for _, m := range outage.Moves() {
		for _, w := range outage.Ways() {
			if w.Moves != "" && w.Moves != m.Name || !strings.Contains(m.Name, *move) || *way != "" && w.Name != *way {
				continue
			}
			for _, c := range outage.Contenders() {
				if !strings.Contains(c.Pool, *pool) || *driver != "" && c.Driver != *driver {
					continue
				}
				if troupe == nil {
					if troupe, err = outage.NewTroupe(ctx); err != nil {
						return errors.Join(failed, err)
					}
				}
				figures, err := measure(ctx, troupe, m, w, c)
				if err != nil {
					failed = errors.Join(failed, fmt.Errorf("%s, %s, %s on %s: %w", m.Name, w.Name, c.Pool, c.Driver, err))
					fmt.Printf("%-26s %-12.12s %-6s %-13s %v\n", m.Name, w.Name, c.Driver, c.Pool, err)
					if err := troupe.Close(); err != nil { // what is left of it would spoil the next figures
						return errors.Join(failed, err)
					}
					troupe = nil
					continue
				}
				fmt.Printf("%-26s %-12.12s %-6s %-13s %4d of %4d errors, leaderless %7.0f ms, first %7.1f ms, all %7.1f ms, late %6.1f ms, %4d dials, %d on the demoted, twice %d, denied %d, lost %d\n",
					m.Name, w.Name, c.Driver, c.Pool, figures.Errors, figures.Statements, figures.Leaderless, figures.FirstSuccess, figures.FullService,
					figures.WorstOverrun, figures.Dials, figures.OnDemoted, figures.Doubled, figures.Ghosts, figures.Lost)
				if *say {
					fmt.Println("\t" + strings.Join(figures.Messages, "\n\t"))
				}
				report.Figures = append(report.Figures, figures)
			}
		}
	}
	report.Took = time.Since(begun).Round(time.Second).String()
	text, err := json.MarshalIndent(report, "", "\t")
	if err == nil {
		err = os.WriteFile(*asJSON, append(text, '\n'), 0o644)
	}
	return errors.Join(failed, err, print(report, *fill))
}

// measure bounds one measurement: a cluster that does not heal must not take the
// rest of the run with it.
func measure(ctx context.Context, t *outage.Troupe, m outage.Move, w outage.Way, c outage.Contender) (outage.ClusterFigures, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return t.MeasureMove(ctx, m, w, c)
}

func print(report outage.ClusterReport, fill string) error {
	if fill == "" {
		return nil
	}
	return page.FillFile(fill, "outage:cluster", report.Table())
}
