package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/internal/progress"
)

// check is the verb that looks at a database before a pool does.
type check struct {
	Database  string `arg:"" optional:"" name:"database" placeholder:"DSN" help:"Database to check, as a URL or key=value, with the pool's settings in it if it has any. Without it and without --dsn, DATABASE_URL is used, then PG* variables; a password in a variable is not in the list of processes."`
	Driver    string `enum:"pgx,pq,both" default:"both" help:"Driver to connect through: pgx, pq (lib/pq) or both."`
	DSN       string `name:"dsn" placeholder:"DSN" help:"The same as the argument."`
	JSON      bool   `name:"json" help:"Write the result as one JSON object on standard output, and nothing else there."`
	Instances int    `default:"1" help:"How many processes will have such a pool."`
}

// Help is the rest of check's --help.
func (check) Help() string {
	return `Connects through each driver and reports what matters to a pool: the server's version and limits, who uses its
connections, whether a pooler is in between and in which mode, TLS, and latency. Then it recommends settings, each with
its reason, and says whether each server of pool_replicas can be read from. It opens at most two connections at a time, and
one more to each replica, and changes nothing.

The exit status is 1 if a driver cannot connect.

Example:

    sqlpool check postgres://app@db.example/orders?pool_max_conns=20 --instances 12
    DATABASE_URL=postgres://app:…@db.example/orders sqlpool check --json`
}

// Validate refuses what makes no sense, all of it at once.
func (c *check) Validate() error {
	var err error
	if c.Database != "" && c.DSN != "" && c.Database != c.DSN {
		err = errors.New("two databases are given, as argument and as --dsn: give one")
	}
	if c.Instances < 1 {
		err = errors.Join(err, fmt.Errorf("--instances is %d: it must be at least 1", c.Instances))
	}
	return errors.Join(err, c.misread())
}

// misread is what is wrong with the connection string and the settings. The pool reads settings alike for all drivers, so
// what each of them objects to is said once.
func (c *check) misread() (all error) {
	var reasons []string
	objectors := map[string][]string{}
	for _, name := range c.names() {
		_, err := drivers.Config(poolDrivers[name], c.dsn())
		for _, reason := range parts(err) {
			if objectors[reason] == nil {
				reasons = append(reasons, reason)
			}
			objectors[reason] = append(objectors[reason], name)
		}
	}
	for _, reason := range reasons {
		if by := objectors[reason]; len(by) < len(c.names()) {
			reason = "for " + driverTitles[by[0]] + ": " + reason
		}
		all = errors.Join(all, errors.New(reason))
	}
	return all
}

// parts are the problems that an error is made of, in words.
func parts(err error) (all []string) {
	var several interface{ WrappedErrors() []error }
	switch {
	case err == nil:
	case errors.As(err, &several):
		for _, e := range several.WrappedErrors() {
			all = append(all, e.Error())
		}
	default:
		all = append(all, err.Error())
	}
	return all
}

// driverTitles are the drivers as people call them.
var driverTitles = map[string]string{"pgx": "pgx", "pq": "lib/pq"}

func (c *check) names() []string {
	if c.Driver == "both" {
		return []string{"pgx", "pq"}
	}
	return []string{c.Driver}
}

// dsn is the connection string, from wherever it comes.
func (c *check) dsn() string {
	for _, dsn := range []string{c.Database, c.DSN, os.Getenv("DATABASE_URL")} {
		if strings.TrimSpace(dsn) != "" {
			return dsn
		}
	}
	return ""
}

// errUnreachable ends a check whose report has said why.
var errUnreachable = errors.New("the database cannot be reached")

// Run runs the verb.
func (c *check) Run(ctx context.Context, out *console) error {
	line := progress.New(out.stderr)
	found := c.look(ctx, line)
	line.Clear()
	var err error
	if c.JSON {
		err = writeJSON(out.stdout, found)
	} else {
		err = found.write(out.stdout)
	}
	if ctx.Err() != nil {
		return errors.Join(errInterrupted, err)
	}
	if !found.OK {
		return errors.Join(errUnreachable, err)
	}
	return err
}

// look finds out all there is to say.
func (c *check) look(ctx context.Context, line *progress.Line) *checkResult {
	found := &checkResult{Verb: "check", OK: true, Instances: c.Instances, Advice: []advice{}}
	found.hosts, found.attrs = hosts(c.dsn())
	found.settings = settingsOf(c.names()[0], c.dsn())
	for _, name := range c.names() {
		line.Show("connecting through " + driverTitles[name])
		route, cfg := c.connect(ctx, name)
		found.Drivers = append(found.Drivers, route.driverCheck)
		found.OK = found.OK && route.Error == ""
		if route.Error != "" {
			continue
		}
		if found.Server == nil {
			line.Show("asking the server about its limits")
			found.Server = askServer(ctx, route.conn)
			found.Fleet = lookAtFleet(ctx, route.conn, name, c.dsn(), found.Server)
			found.Replicas = c.lookAtReplicas(ctx, name, cfg, line)
			found.Pool = &poolSettings{Name: cfg.Name, MaxConns: cfg.MaxConns, MinIdle: cfg.MinIdle, Statements: statementWords[cfg.Statements]}
		}
		if name == "pgx" {
			line.Show("looking for a pooler in between")
			found.Pooler = lookForPooler(ctx, route.conn, route.db, c.dsn())
		}
		route.close()
	}
	found.advise()
	return found
}
