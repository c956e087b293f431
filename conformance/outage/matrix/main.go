//go:build unix

// Command matrix lets every fault of the laboratory happen to every contender
// and writes what came of it, as JSON and as docs/outages.md.
package main

import (
	"cmp"
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
	"github.com/sqlpool/go/internal/page"
	"github.com/sqlpool/go/internal/pgserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var (
		asJSON = flag.String("json", "outages.json", "`file` for the figures")
		asPage = flag.String("table", "", "`file` for the table; none by default")
		readme = flag.String("fill", "", "`file` that has marks for the totals; none by default")
		fault  = flag.String("fault", "", "only faults whose name contains this")
		pool   = flag.String("pool", "", "only pools whose name contains this")
		driver = flag.String("driver", "", "only this driver")
		from   = flag.String("from", "", "`file` with the figures of an earlier run: print those, and measure nothing")
		limit  = flag.Duration("limit", 90*time.Minute, "give up after this long")
	)
	flag.Parse()
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()

	if *from != "" {
		return reprint(*from, *asPage, *readme)
	}

	begun := time.Now()
	report := outage.Report{Machine: machine(ctx)}
	var failed error
	for _, f := range outage.Faults() {
		for _, c := range outage.Contenders() {
			if !strings.Contains(f.Name, *fault) || !strings.Contains(c.Pool, *pool) || *driver != "" && c.Driver != *driver {
				continue
			}
			figures, err := outage.Measure(ctx, f, c)
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s, %s on %s: %w", f.Name, c.Pool, c.Driver, err))
				fmt.Printf("%-22s %-6s %-13s %v\n", f.Name, c.Driver, c.Pool, err)
				continue
			}
			fmt.Printf("%-22s %-6s %-13s %5d errors, first %8.1f ms, all %8.1f ms, served %d of %d, late %8.1f ms, %d dials, twice %d, lost %d\n",
				f.Name, c.Driver, c.Pool, figures.Errors, figures.FirstSuccess, figures.FullService, figures.Served(), cmp.Or(figures.Possible, figures.Statements),
				figures.WorstOverrun, figures.Dials, figures.Doubled, figures.Lost)
			report.Figures = append(report.Figures, figures)
		}
	}
	report.Took = time.Since(begun).Round(time.Second).String()
	return errors.Join(failed, write(report, *asJSON, *asPage, *readme))
}

func write(report outage.Report, asJSON, asPage, readme string) error {
	text, err := json.MarshalIndent(report, "", "\t")
	if err == nil {
		err = os.WriteFile(asJSON, append(text, '\n'), 0o644)
	}
	return errors.Join(err, printPages(report, asPage, readme))
}

func reprint(from, asPage, readme string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var report outage.Report
	if err := json.Unmarshal(text, &report); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return printPages(report, asPage, readme)
}

// printPages writes the table, and the totals into a page that has marks for them.
func printPages(report outage.Report, asPage, readme string) error {
	var err error
	if asPage != "" {
		var table strings.Builder
		_ = report.Table(&table) // into memory
		text := table.String()
		if before, readErr := os.ReadFile(asPage); readErr == nil {
			if content, ok := page.Content(string(before), outage.ClusterMarks); ok { // of another command
				text, err = page.Fill(text, outage.ClusterMarks, content)
			}
		}
		if err == nil {
			err = os.WriteFile(asPage, []byte(text), 0o644)
		}
	}
	if readme != "" {
		err = errors.Join(err, page.FillFile(readme, "outage:totals", report.Totals()))
	}
	return err
}

// machine says where the figures are from.
func machine(ctx context.Context) string {
	postgres := "PostgreSQL"
	if programs, err := pgserver.Find(ctx); err == nil {
		postgres = strings.TrimPrefix(programs.Version, "postgres (PostgreSQL) ")
		postgres = "PostgreSQL " + strings.Fields(postgres)[0]
	}
	return fmt.Sprintf("Measured on %d cores of %s/%s with %s and %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), postgres)
}
