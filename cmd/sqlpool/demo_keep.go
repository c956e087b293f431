package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/sqlpool/go/conformance/outage/workload"
	"github.com/sqlpool/go/internal/progress"
)

// keep has a pool at work for the page, until ctx ends, and returns errTold then.
func (d *demo) keep(ctx context.Context, c *console, page *demoPage) (err error) {
	t, err := d.open(ctx, d.MaxConns)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	kind := d.drivers()[0]
	trial := &demoTrial{
		demo: d, target: t, driver: kind, line: progress.New(c.stderr), page: page,
		name: "sqlpool_demo_" + kind.name + "_" + strings.ToLower(rand.Text()[:8]),
	}
	connector, err := kind.connector(t.dsn, trial.name+"_audit")
	if err != nil {
		return err
	}
	plain := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, plain.Close()) }()
	bank, err := workload.Create(ctx, plain, trial.name, accounts)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
		defer cancel()
		err = errors.Join(err, bank.Drop(ctx, plain))
	}()
	db, err := trial.open(ctx, t.dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	crowd := gather(ctx, db, trial.name, d.Goroutines)
	defer crowd.leave()
	_, _ = fmt.Fprintf(c.stderr, "the page stays until you interrupt: %s\n", page.url)
	<-ctx.Done()
	return errTold
}
