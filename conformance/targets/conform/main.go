//go:build unix

// Conform runs the conformance suite on every contender and writes the table of
// docs/conformance.md and a JSON report with everything that was seen. It ends
// with status 1 if a required rule does not hold on one of ours.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/sqlpool/go/conformance/targets"
)

func main() {
	table := flag.String("table", "", "where to write the table")
	report := flag.String("json", "", "where to write the report")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *table, *report); err != nil {
		fmt.Fprintln(os.Stderr, "conform:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, table, report string) (err error) {
	lab, err := targets.NewLab(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	var columns []targets.Column
	var broken error
	for _, c := range targets.Contenders() {
		start := time.Now()
		result, err := c.Check(ctx, lab, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		columns = append(columns, targets.Column{Name: c.Name, What: c.What, Ours: c.Ours, Report: result})
		fmt.Fprintf(os.Stderr, "%-26s %s\n", c.Name, time.Since(start).Round(time.Second))
		if c.Ours && !result.OK() {
			fmt.Fprintln(os.Stderr, result)
			broken = errors.Join(broken, fmt.Errorf("%s: a required rule does not hold", c.Name))
		}
	}
	err = write(table, func(f *os.File) error { return targets.WriteTable(f, columns) })
	err = errors.Join(err, write(report, func(f *os.File) error {
		e := json.NewEncoder(f)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		return e.Encode(columns)
	}))
	return errors.Join(broken, err)
}

func write(file string, content func(*os.File) error) error {
	if file == "" {
		return nil
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(content(f), f.Close())
}
