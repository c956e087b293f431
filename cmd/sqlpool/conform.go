package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/sqlpool/go/conformance"
	"github.com/sqlpool/go/internal/progress"
)

// conform is the verb that checks the rules of the pool on a database.
type conform struct {
	common
	Rules []string `name:"rules" placeholder:"ID,…" help:"Rules to check, by ID (SQL-01) or family (SQL). Without it, all."`
}

// Help is the rest of conform's --help.
func (conform) Help() string {
	return `Checks each rule of the conformance suite with the pool in front of the database, on each driver. Rules create their own
schemas and drop them again; some end their own sessions. They change nothing else in the database. The exit status is
1 if a required rule does not hold.

Example:

    sqlpool conform --driver pgx
    sqlpool conform --rules SQL,ACQ-06
    sqlpool conform --dsn postgres://app@db.example/scratch --json`
}

// Validate refuses a DSN that the drivers cannot read, and rules that there are not.
func (v *conform) Validate() error {
	if err := conformance.CheckNames(v.Rules...); err != nil {
		return fmt.Errorf("--rules: %w", err)
	}
	return v.validate()
}

// conformResult is what conform prints as JSON.
type conformResult struct {
	Verb    string               `json:"verb"`
	OK      bool                 `json:"ok"`
	Error   string               `json:"error,omitempty"`
	Reports []conformance.Report `json:"reports"`
}

// Run runs the verb.
func (v *conform) Run(ctx context.Context, c *console) error {
	result := conformResult{Verb: "conform", OK: true}
	err := interruption(ctx, v.check(ctx, c, &result))
	if err != nil {
		result.OK, result.Error = false, err.Error()
	}
	if v.JSON {
		err = errors.Join(err, writeJSON(c.stdout, result))
	}
	if err == nil && !result.OK {
		err = errChecks
	}
	return err
}

// check runs the suite on each driver and prints each report when it is there.
func (v *conform) check(ctx context.Context, c *console, result *conformResult) (err error) {
	line := progress.New(c.stderr)
	defer line.Clear()
	line.Show("opening the database")
	const most = 60 // the rules' largest pools, and what is still closing behind them
	t, err := v.open(ctx, most)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	for _, kind := range v.drivers() {
		connector, err := kind.connector(t.dsn, "sqlpool conform")
		if err != nil {
			return err
		}
		line.Show("checking the rules on " + kind.title)
		report, err := conformance.Target{
			Name: "sqlpool on " + kind.title, Connector: connector, Dialect: conformance.PostgreSQL, Only: v.Rules,
		}.Check(ctx)
		if err != nil {
			return err
		}
		result.Reports = append(result.Reports, report)
		result.OK = result.OK && report.OK()
		if line.Clear(); !v.JSON {
			if _, err := fmt.Fprintln(c.stdout, report); err != nil {
				return err
			}
		}
	}
	return nil
}
