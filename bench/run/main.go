// Command run measures the pool beside its peers, and holds what it found
// against the project's bars and an earlier run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/sqlpool/go/bench"
	"github.com/sqlpool/go/internal/page"
	"github.com/sqlpool/go/internal/progress"
)

func main() {
	bench.ServeRelay()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process as usual
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var (
		o        bench.Options
		from     = flag.String("from", "", "`file` with the figures of an earlier run: use those, and measure nothing")
		asJSON   = flag.String("json", "", "`file` for all figures")
		asText   = flag.String("markdown", "", "`file` for the tables; - is standard output")
		fill     = flag.String("fill", "", "`files`, separated by commas, whose marked sections are made anew")
		plots    = flag.String("plots", "", "`folder` for the charts")
		store    = flag.String("store", "", "`file` to store the figures in that are held from now on")
		baseline = flag.String("check", "", "`file` with the stored figures: fail if any has become worse")
		only     = flag.String("only", "", "measure only workloads that match this `regexp`")
		cells    = flag.String("cells", "", "of the server's workload, only cells that match this `regexp`")
		some     = flag.String("contenders", "", "of the server's workload, only contenders that match this `regexp`")
		profiles = flag.String("profile", "", "`folder` for profiles of the whole run; they cost time")
	)
	flag.BoolVar(&o.Short, "short", false, "see that everything works: about a tenth of the time")
	flag.IntVar(&o.Busy, "busy", 0, "`goroutines` that do other work meanwhile, without ever waiting")
	flag.IntVar(&o.Rounds, "rounds", 0, "`rounds` of each comparison; 7 by default, 3 when short")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected %q", flag.Args())
	}
	for _, filter := range []struct {
		text string
		to   **regexp.Regexp
	}{{*only, &o.Only}, {*cells, &o.Cells}, {*some, &o.Contenders}} {
		if filter.text == "" {
			continue
		}
		var err error
		if *filter.to, err = regexp.Compile(filter.text); err != nil {
			return err
		}
	}
	report, err := measure(ctx, o, *from, *profiles)
	if err != nil {
		return err
	}
	if *store != "" && (report.Short || report.Partial) {
		return errors.New("-store: only a whole run can be a baseline")
	}
	return write(report, *asJSON, *asText, *fill, *plots, *store, *baseline)
}

// measure measures, or reads what was measured.
func measure(ctx context.Context, o bench.Options, from, profiles string) (*bench.Report, error) {
	if from != "" {
		return bench.Load(from)
	}
	stop, err := profile(profiles)
	if err != nil {
		return nil, err
	}
	line, begun := progress.New(os.Stderr), time.Now()
	o.Progress = func(workload string, done float64) {
		left := "?"
		if done > 0.01 {
			left = time.Duration(float64(time.Since(begun)) * (1/done - 1)).Round(time.Second).String()
		}
		line.Show(fmt.Sprintf("[%s] %3.0f %%  %s left  %s", progress.Bar(done, 30), 100*done, left, workload))
	}
	report, err := bench.Run(ctx, o)
	line.Clear()
	return report, errors.Join(err, stop())
}

func write(r *bench.Report, asJSON, asText, fill, plots, store, baseline string) (err error) {
	if asJSON != "" {
		err = errors.Join(err, r.Save(asJSON))
	}
	switch asText {
	case "":
	case "-":
		fmt.Print(r.Markdown())
	default:
		err = errors.Join(err, os.WriteFile(asText, []byte(r.Markdown()), 0o644))
	}
	if fill != "" {
		for file := range strings.SplitSeq(fill, ",") {
			err = errors.Join(err, page.Edit(file, r.Fill))
		}
	}
	if plots != "" {
		err = errors.Join(err, r.Plot(plots))
	}
	if store != "" {
		err = errors.Join(err, r.Baseline().Save(store))
	}
	if err != nil || baseline == "" {
		return err
	}
	stored, err := bench.Load(baseline)
	if err != nil {
		return err
	}
	if worse := bench.Check(r, stored); len(worse) > 0 {
		return fmt.Errorf("worse than %s:\n  %s", baseline, strings.Join(worse, "\n  "))
	}
	fmt.Printf("none of %d figures is worse than in %s\n", len(stored.Figures), baseline)
	return nil
}
