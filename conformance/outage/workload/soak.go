//go:build unix

package workload

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/sqlpool/go/conformance/outage/ledger"
	"github.com/sqlpool/go/conformance/outage/tap"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// application is the name under which the server knows the soak's callers.
const application = "soak"

// soakAccounts are enough that callers seldom wait for each other's locks.
const soakAccounts = 500

// Soak has callers work on a private server while statements are cut, replies are lost and the server dies, to its end
// or to that of ctx, and audits what is left. The error says what could not be done, or what the audit found; the Report
// is good in both cases as far as it goes.
func Soak(ctx context.Context, cfg Config) (report Report, err error) {
	if err := cfg.Validate(); err != nil {
		return report, err
	}
	cfg = cfg.withDefaults()
	report.Driver, report.Seed = cfg.Driver, cfg.Seed
	bounded, cancel := cfg.bounded(context.WithoutCancel(ctx))
	defer cancel()

	server, err := pgserver.Start(bounded, pgserver.Options{})
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	connector, err := cfg.connector(server.TCP().URL("postgres"))
	if err != nil {
		return report, err
	}
	plain := sql.OpenDB(connector)
	plain.SetMaxIdleConns(-1) // none would live through the soak
	defer func() { err = errors.Join(err, plain.Close()) }()
	bank, err := Create(bounded, plain, "soak", soakAccounts)
	if err != nil {
		return report, err
	}
	behind := server.TCP().With("application_name", application)
	proxy, err := tap.Listen(net.JoinHostPort(behind.Host, strconv.Itoa(behind.Port)))
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, proxy.Close()) }()
	behind.Port = proxy.Port()

	s := &soak{cfg: cfg, bank: bank, faults: newFaults(server, proxy, rand.New(rand.NewPCG(cfg.Seed, 1<<32)))}
	err = s.run(ctx, bounded, behind.URL("postgres"), &report)
	s.faults.tell(&report)
	if err != nil {
		return report, err
	}
	var checks []Check
	if report.Audit, checks, err = s.work.Audit(bounded, plain); err != nil {
		return report, err
	}
	err = report.Audit.Err()
	for _, c := range checks {
		if c.Status == Failed && (c.ID == "money" || c.ID == "balances" || c.ID == "snapshots") { // errors are what it is about
			err = errors.Join(err, fmt.Errorf("soak: it does not hold that %s: %s", c.Rule, c.Detail))
		}
	}
	return report, err
}

type soak struct {
	cfg    Config
	bank   *Bank
	faults *faults
	work   *Run
}

// run has the callers work until it is enough, and returns when the last of them and
// the faults have ended and the pool is closed.
func (s *soak) run(ctx, bounded context.Context, dsn string, report *Report) error {
	connector, err := s.cfg.connector(dsn)
	if err != nil {
		return err
	}
	pool, err := sqlpool.New(sqlpool.Config{Connector: connector, Name: application, MaxConns: s.cfg.MaxConns})
	if err != nil {
		return err
	}
	db := sqlpool.OpenDB(pool)
	defer db.Close()
	s.work, err = s.bank.Start(bounded, db, Load{
		Goroutines: s.cfg.Callers, Duration: s.cfg.Duration, Seed: s.cfg.Seed, Deadline: s.cfg.Deadline, mix: faulted,
	})
	if err != nil {
		return err
	}
	s.faults.tap.SetPlan(s.faults.fault)
	defer context.AfterFunc(ctx, s.work.Stop)()
	working, end := context.WithCancel(bounded)
	injecting := make(chan error, 1)
	go func() { injecting <- s.faults.inject(working, bounded, rand.New(rand.NewPCG(s.cfg.Seed, 2<<32))) }()
	s.watch()
	end()
	err = <-injecting
	s.faults.tap.SetPlan(nil)
	s.work.Wait()
	report.Elapsed, report.Stats = s.work.Took(), pool.Stats()
	return errors.Join(err, db.Close())
}

// watch tells of the progress, at the end too, and stops the soak when enough
// statements were faulted.
func (s *soak) watch() {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	done := false
	for ticks := 1; !done; ticks++ {
		select {
		case <-ticker.C:
		case <-s.work.Done():
			done = true
		}
		p := s.progress()
		if s.cfg.Faulted > 0 && p.Faulted >= s.cfg.Faulted {
			s.work.Stop()
		}
		if s.cfg.Progress != nil && (done || ticks%10 == 0) {
			s.cfg.Progress(p)
		}
	}
}

func (s *soak) progress() Progress {
	f, book := s.faults, &s.work.book
	f.mu.Lock()
	defer f.mu.Unlock()
	p := Progress{Elapsed: s.work.Took(), Statements: f.statements, Last: f.last,
		Acknowledged: book.Count(ledger.Acknowledged), Failed: book.Count(ledger.Failed), Unknown: book.Count(ledger.Unknown)}
	for _, n := range f.broken {
		p.Faulted += n
	}
	for _, n := range f.events {
		p.Events += n
	}
	return p
}
