package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sqlpool/go/conformance/outage/workload"
	"github.com/sqlpool/go/internal/progress"
)

// soak is the verb that counts what callers were told through faults of every kind.
type soak struct {
	output
	Duration time.Duration `default:"30s" help:"How long to write on each driver."`
	Seed     uint64        `help:"Repeat the choices of an earlier run. 0 draws one."`
	MaxConns int           `default:"8" help:"How many connections the pool may have."`
	Callers  int           `default:"16" help:"How many goroutines write at once."`
}

// Help is the rest of soak's --help.
func (soak) Help() string {
	return `Callers write unique tokens while a third of all statements is cut or loses its reply and the server is stopped,
restarted and killed. Then the command compares with the server: a token whose caller saw no error must be there exactly once,
a token whose caller was told that it failed must not be there, and any other must be there at most once. A quarter of
the callers move money between accounts meanwhile: none may be lost, made, or seen on its way. The server is
always a private one, because it is killed.

Example:

    sqlpool soak --duration 10m --driver pgx
    sqlpool soak --seed 7 --json`
}

// Validate refuses what makes no sense, all of it at once.
func (s *soak) Validate() error {
	var err error
	if s.Duration <= 0 {
		err = errors.Join(err, fmt.Errorf("--duration is %v: it must be positive", s.Duration))
	}
	if s.Callers < 1 {
		err = errors.Join(err, fmt.Errorf("--callers is %d: it must be at least 1", s.Callers))
	}
	if s.MaxConns < 1 {
		err = errors.Join(err, fmt.Errorf("--max-conns is %d: it must be at least 1", s.MaxConns))
	}
	return err
}

// soakResult is what soak prints as JSON.
type soakResult struct {
	Verb    string       `json:"verb"`
	OK      bool         `json:"ok"`
	Error   string       `json:"error,omitempty"`
	Drivers []soakDriver `json:"drivers"`
}

type soakDriver struct {
	Driver       string         `json:"driver"`
	Seed         uint64         `json:"seed"`
	Seconds      float64        `json:"seconds"`
	Statements   int            `json:"statements"`
	Faulted      int            `json:"faulted"`
	Faults       map[string]int `json:"faults"`
	Events       map[string]int `json:"events"`
	Acknowledged int            `json:"acknowledged"`
	Failed       int            `json:"failed"`
	Unknown      int            `json:"unknown"`
	Lost         int            `json:"lost"`
	Doubled      int            `json:"written_twice"`
	Ghosts       int            `json:"failed_and_written"`
	Strange      int            `json:"nobodys"`
}

// ledgerNames are the ledger's names for the drivers.
var ledgerNames = map[string]string{"pgx": "pgx", "pq": "libpq"}

// Run runs the verb.
func (s *soak) Run(ctx context.Context, c *console) error {
	result := soakResult{Verb: "soak"}
	out := c.stdout
	if s.JSON {
		out = io.Discard
	}
	var err error
	for _, kind := range s.drivers() {
		report, failed := s.on(ctx, c, kind.name)
		err = errors.Join(err, failed)
		result.Drivers = append(result.Drivers, summary(kind.name, report))
		_, printed := fmt.Fprintln(out, report)
		err = errors.Join(err, printed)
	}
	if err == nil && ctx.Err() != nil {
		err = errInterrupted // what was written until then is audited, and that is less than was asked for
	}
	if err = interruption(ctx, err); err != nil {
		result.Error = err.Error()
	}
	if result.OK = err == nil; s.JSON {
		err = errors.Join(err, writeJSON(c.stdout, result))
	}
	return err
}

// on runs the soak on one driver. An interrupt ends it early, and what was written until then is audited all the same.
func (s *soak) on(ctx context.Context, c *console, driver string) (workload.Report, error) {
	line := progress.New(c.stderr)
	defer line.Clear()
	line.Show("starting a private PostgreSQL")
	return workload.Soak(ctx, workload.Config{
		Driver: ledgerNames[driver], Seed: s.Seed, Duration: s.Duration, Callers: s.Callers, MaxConns: s.MaxConns,
		Progress: func(p workload.Progress) { line.Show(driver + p.String()) },
	})
}

func summary(driver string, r workload.Report) soakDriver {
	a := r.Audit
	return soakDriver{
		Driver: driver, Seed: r.Seed, Seconds: r.Elapsed.Seconds(), Statements: r.Statements, Faulted: r.Faulted(),
		Faults: r.Faults, Events: r.Events, Acknowledged: a.Acknowledged, Failed: a.Failed, Unknown: a.Unknown,
		Lost: len(a.Lost), Doubled: len(a.Doubled), Ghosts: len(a.Ghosts), Strange: len(a.Strange),
	}
}
