package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/sqlpool/go/conformance/outage/workload"
	"github.com/sqlpool/go/internal/progress"
)

// demo is the verb that shows the pool at work.
type demo struct {
	common
	Duration   time.Duration  `default:"5s" help:"How long to work on each driver."`
	Goroutines int            `default:"32" help:"How many goroutines work at once."`
	MaxConns   int            `default:"8" help:"How many connections the pool may have."`
	Outage     *time.Duration `placeholder:"DURATION" help:"How long to stop the private server after the work, for the page to show it: 3s if not given; 0 does not stop it. Not with --dsn."`
	Replicas   int            `default:"0" help:"How many streaming replicas the private server has, for a part of the demo that reads from them and takes one away. Not with --dsn."`
	Page       string         `default:"127.0.0.1:0" placeholder:"ADDRESS" help:"Where to serve the live page of the pool during the demo; port 0 is a free one. A client that can reach it can also pause the demo's pool."`
	Keep       bool           `help:"Keep a pool at work, and its live page, until interrupted."`
}

// accounts are enough that transfers seldom wait for each other's locks, and few enough that some run dry.
const accounts = 500

// Help is the rest of demo's --help.
func (demo) Help() string {
	return `Plain database/sql code moves money between accounts: transactions, prepared statements, reads, and a context
cancelled now and then. At the end the accounts are audited against what each caller was told. Then a transaction is
left open, and the server is stopped for a moment: the live page shows both as they happen. In a database of your own
(--dsn) the demo works in a new schema, which it drops at the end, and does not stop the server.

Example:

    sqlpool demo --driver pgx --duration 10s --json
    sqlpool demo --replicas 2
    sqlpool demo --keep --page 127.0.0.1:6060
    sqlpool demo --dsn postgres://app@db.example/app --max-conns 4`
}

// Validate refuses what makes no sense, all of it at once.
func (d *demo) Validate() error {
	err := d.common.validate()
	if d.Duration <= 0 {
		err = errors.Join(err, fmt.Errorf("--duration is %v: it must be positive", d.Duration))
	}
	if d.Goroutines < 1 {
		err = errors.Join(err, fmt.Errorf("--goroutines is %d: it must be at least 1", d.Goroutines))
	}
	if d.outage() < 0 {
		err = errors.Join(err, fmt.Errorf("--outage is %v: it must not be negative", d.outage()))
	}
	if d.DSN != "" && d.Outage != nil && *d.Outage != 0 {
		err = errors.Join(err, errors.New("--outage is set with --dsn: the demo takes no server away but its own; leave one of them out"))
	}
	if d.Replicas < 0 || d.Replicas > mostReplicas {
		err = errors.Join(err, fmt.Errorf("--replicas is %d: it must be from 0 to %d", d.Replicas, mostReplicas))
	}
	if d.DSN != "" && d.Replicas > 0 {
		err = errors.Join(err, errors.New("--replicas is set with --dsn: the demo has replicas of its own server only; leave one of them out"))
	}
	if host, _, bad := net.SplitHostPort(d.Page); bad != nil || host == "" {
		err = errors.Join(err, fmt.Errorf("--page is %q: it must be an address and a port, for example 127.0.0.1:6060", d.Page))
	}
	if d.MaxConns < 1 {
		err = errors.Join(err, fmt.Errorf("--max-conns is %d: it must be at least 1", d.MaxConns))
	}
	return err
}

// defaultOutage is long enough to be seen on the page.
const defaultOutage = 3 * time.Second

// mostReplicas is what a private server has room for.
const mostReplicas = 8

func (d *demo) outage() time.Duration {
	if d.Outage == nil {
		return defaultOutage
	}
	return *d.Outage
}

// Run runs the verb. A result that is not complete is reported too, with the error that ended it.
func (d *demo) Run(ctx context.Context, c *console) error {
	result := demoResult{Verb: "demo", Settings: demoSettings{
		Duration: d.Duration.Seconds(), Goroutines: d.Goroutines, MaxConns: d.MaxConns, Seed: mathrand.Uint64N(1 << 53),
	}}
	page, err := openPage(d.Page)
	if err != nil {
		return err
	}
	defer page.close()
	result.Page = page.url
	_, _ = fmt.Fprintf(c.stderr, "the pool, live: %s\n", page.url)
	if err = interruption(ctx, d.fill(ctx, c, page, &result)); err != nil {
		result.Error = err.Error()
	}
	result.OK = err == nil && result.failed() == 0
	if d.JSON {
		err = errors.Join(err, writeJSON(c.stdout, result))
	} else if len(result.Drivers) > 0 {
		err = errors.Join(err, result.write(c.stdout))
	}
	if err == nil && !result.OK {
		err = errChecks
	}
	if d.Keep && ctx.Err() == nil {
		err = errors.Join(err, d.keep(ctx, c, page))
	}
	return err
}

// fill runs the workload on each driver.
func (d *demo) fill(ctx context.Context, c *console, page *demoPage, result *demoResult) (err error) {
	line := progress.New(c.stderr)
	defer line.Clear()
	if d.DSN == "" {
		line.Show("starting a private PostgreSQL")
	}
	t, err := d.open(ctx, d.MaxConns)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	result.Server.Private = t.server != nil
	if d.Replicas > 0 {
		line.Show(fmt.Sprintf("starting %d replicas", d.Replicas))
	}
	replicas, stop, err := d.startReplicas(ctx, t.server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for _, kind := range d.drivers() {
		trial := &demoTrial{
			demo: d, target: t, driver: kind, line: line, page: page, seed: result.Settings.Seed, tamper: c.tamper, replicas: replicas,
			name: "sqlpool_demo_" + kind.name + "_" + strings.ToLower(rand.Text()[:8]),
		}
		found, err := trial.run(ctx)
		if found != nil {
			result.Drivers = append(result.Drivers, *found)
			result.Server.Version = trial.version
		}
		if err != nil {
			return fmt.Errorf("%s: %w", kind.title, err)
		}
	}
	return nil
}

// tamper is what a test does to the books before they are audited.
type tamper func(ctx context.Context, db *sql.DB, schema string) error

// statusWords are the report's words for a check.
var statusWords = map[workload.Status]string{
	workload.OK: "ok", workload.Failed: "FAILED", workload.NotCounted: "not counted",
}
