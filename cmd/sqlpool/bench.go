package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sqlpool/go/bench"
	"github.com/sqlpool/go/internal/progress"
)

// benchVerb is the verb that measures the pool on a user's own server.
type benchVerb struct {
	common
	Duration   time.Duration `default:"20s" help:"How long to measure on each driver."`
	Goroutines int           `default:"32" help:"How many goroutines work at once."`
	MaxConns   int           `default:"10" help:"How many connections each pool may have in the comparison."`
	Rate       float64       `help:"How many transactions your program runs per second. 0: the advice does not use it."`
	Held       time.Duration `help:"How long your program holds a connection for each of them. 0: as long as the one measured here."`
	Cores      int           `help:"The server's cores. 0: not known, or this machine's when the server is private."`
	Processes  int           `default:"1" help:"How many processes of your program share the server."`
}

// benchRounds is how often each stretch is repeated; more, shorter ones would
// say less of the 99th percentile.
const benchRounds = 3

// benchSizes are the pool's sizes that are tried.
var benchSizes = []int{1, 2, 4, 8, 16, 32, 64}

// Help is the rest of bench's --help.
func (benchVerb) Help() string {
	return `The pool and database/sql's own take turns at the same work on your server: reads, an insert, a transaction. Then pools
of different sizes run the transaction, and the command recommends a size from the results, with the reasoning. It works
in a new schema, which it drops at the end. It loads the server the whole time.

Example:

    sqlpool bench --dsn postgres://app@db.example/app --rate 800 --held 5ms --cores 8 --processes 4
    sqlpool bench --driver pgx --json`
}

// Validate refuses what makes no sense, all of it at once.
func (v *benchVerb) Validate() error {
	err := v.validate()
	for _, flag := range []struct {
		name  string
		value float64
		least float64
	}{
		{"duration", v.Duration.Seconds(), 0.1}, {"goroutines", float64(v.Goroutines), 1}, {"max-conns", float64(v.MaxConns), 1},
		{"rate", v.Rate, 0}, {"held", v.Held.Seconds(), 0}, {"cores", float64(v.Cores), 0}, {"processes", float64(v.Processes), 1},
	} {
		if flag.value < flag.least {
			err = errors.Join(err, fmt.Errorf("--%s is %v: it must be at least %v", flag.name, flag.value, flag.least))
		}
	}
	return err
}

// Run runs the verb.
func (v *benchVerb) Run(ctx context.Context, c *console) error {
	result := benchResult{Verb: "bench"}
	err := interruption(ctx, v.fill(ctx, c, &result))
	if err != nil {
		result.Error = err.Error()
	}
	result.OK = err == nil
	if v.JSON {
		return errors.Join(err, writeJSON(c.stdout, result))
	}
	if len(result.Drivers) > 0 {
		err = errors.Join(err, result.write(c.stdout))
	}
	return err
}

func (v *benchVerb) fill(ctx context.Context, c *console, result *benchResult) (err error) {
	line := progress.New(c.stderr)
	defer line.Clear()
	if v.DSN == "" {
		line.Show("starting a private PostgreSQL")
	}
	most := v.MaxConns
	for _, size := range benchSizes {
		most += size // the pools of all sizes are open at once
	}
	t, err := v.open(ctx, most)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	result.Server.Private = t.server != nil
	for _, kind := range v.drivers() {
		found, err := v.on(ctx, t, kind, line, result)
		if err != nil {
			return fmt.Errorf("%s: %w", kind.title, err)
		}
		result.Drivers = append(result.Drivers, *found)
	}
	return nil
}

// on measures on one driver, in a schema of its own.
func (v *benchVerb) on(ctx context.Context, t *target, kind driverUnderTest, line *progress.Line, result *benchResult) (found *benchDriver, err error) {
	name := "sqlpool_bench_" + kind.name + "_" + strings.ToLower(rand.Text()[:8])
	connector, err := kind.connector(t.dsn, name)
	if err != nil {
		return nil, err
	}
	plain := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, plain.Close()) }()
	room, err := roomOn(ctx, plain)
	if err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	result.Server.Version, found = room.version, &benchDriver{Driver: kind.name, title: kind.title}
	if room.free < v.MaxConns+1 {
		return nil, fmt.Errorf("the server has room for %d more connections, and --max-conns is %d for each of two pools", room.free, v.MaxConns)
	}
	if err := bench.CreateTables(ctx, plain, name); err != nil {
		return nil, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
		defer cancel()
		err = errors.Join(err, bench.DropTables(ctx, plain, name))
	}()
	work := bench.Target{
		DSN: t.dsn, Schema: name, Driver: kind.title, Conns: min(v.MaxConns, room.free/2), Goroutines: v.Goroutines, Rounds: benchRounds,
	}
	sizes := room.sizes()
	total, done, begun := work.Stretches()+benchRounds*(len(sizes)+1), 0, time.Now()
	work.Stretch = v.Duration / time.Duration(total)
	work.Step = func() {
		done++
		left := time.Duration(float64(time.Since(begun)) / float64(done) * float64(total-done)).Round(time.Second)
		line.Show(fmt.Sprintf("%-6s %s %v left", kind.title, progress.Bar(float64(done)/float64(total), 20), left))
	}
	if found.Figures, err = work.Compare(ctx); err != nil {
		return nil, err
	}
	if found.Alone, err = work.Alone(ctx, bench.Tx3); err != nil {
		return nil, err
	}
	if found.Sizes, err = work.Sweep(ctx, bench.Tx3, 2*sizes[len(sizes)-1], sizes); err != nil {
		return nil, err
	}
	found.Advice = v.advise(found, room, t.server != nil)
	return found, nil
}
