//go:build unix

package ledger

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/sqlpool/go/conformance/outage/tap"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// application is the name under which the server knows the soak's callers.
const application = "ledger"

// Run runs a soak on a private server, to its end or to that of ctx, and audits
// it. The error says what could not be done, or what the audit found; the
// Report is good in both cases as far as it goes.
func Run(ctx context.Context, cfg Config) (report Report, err error) {
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
	// No unique constraint: it would hide what is written twice.
	if err := server.Exec(bounded, "CREATE TABLE ledger (token bigint NOT NULL)"); err != nil {
		return report, err
	}
	behind := server.TCP().With("application_name", application)
	proxy, err := tap.Listen(net.JoinHostPort(behind.Host, strconv.Itoa(behind.Port)))
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, proxy.Close()) }()
	behind.Port = proxy.Port()

	s := &soak{cfg: cfg, faults: newFaults(server, proxy, cfg.random(0)), begun: time.Now()}
	err = s.run(ctx, bounded, behind.URL("postgres"), &report)
	report.Elapsed = time.Since(s.begun)
	s.faults.tell(&report)
	if err != nil {
		return report, err
	}
	seen, err := Seen(bounded, server)
	if err != nil {
		return report, err
	}
	report.Audit = s.book.Audit(seen)
	return report, report.Audit.Err()
}

type soak struct {
	cfg    Config
	faults *faults
	book   Book
	begun  time.Time
}

// run has the callers write until it is enough, and returns when the last of
// them and the faults have ended and the pool is closed.
func (s *soak) run(ctx, bounded context.Context, dsn string, report *Report) error {
	connector, err := s.cfg.connector(dsn)
	if err != nil {
		return err
	}
	pool, err := sqlpool.New(sqlpool.Config{Connector: connector, Name: "ledger", MaxConns: s.cfg.MaxConns})
	if err != nil {
		return err
	}
	db := sqlpool.OpenDB(pool)
	defer db.Close()
	stmt, err := db.PrepareContext(bounded, insert)
	if err != nil {
		return err
	}
	defer stmt.Close()

	enough, stop := context.WithTimeout(ctx, s.cfg.Duration)
	defer stop()
	s.faults.tap.SetPlan(s.faults.fault)
	var work sync.WaitGroup
	for caller := range s.cfg.Callers {
		w := &writer{db: db, stmt: stmt, book: &s.book, rng: s.cfg.random(2 + uint64(caller)), deadline: s.cfg.Deadline}
		work.Go(func() {
			for enough.Err() == nil {
				w.write()
			}
		})
	}
	var injecting error
	work.Go(func() { injecting = s.faults.inject(enough, bounded, s.cfg.random(1)) })
	s.watch(enough, stop)
	work.Wait()
	s.faults.tap.SetPlan(nil)
	report.Stats = pool.Stats()
	return errors.Join(injecting, db.Close())
}

// watch tells of the progress, at the end too, and stops the soak when enough
// statements were faulted.
func (s *soak) watch(enough context.Context, stop context.CancelFunc) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	done := false
	for ticks := 1; !done; ticks++ {
		select {
		case <-ticker.C:
		case <-enough.Done():
			done = true
		}
		p := s.progress()
		if s.cfg.Faulted > 0 && p.Faulted >= s.cfg.Faulted {
			stop()
		}
		if s.cfg.Progress != nil && (done || ticks%10 == 0) {
			s.cfg.Progress(p)
		}
	}
}

func (s *soak) progress() Progress {
	w := s.faults
	w.mu.Lock()
	defer w.mu.Unlock()
	p := Progress{Elapsed: time.Since(s.begun), Statements: w.statements, Last: w.last,
		Acknowledged: s.book.Count(Acknowledged), Failed: s.book.Count(Failed), Unknown: s.book.Count(Unknown)}
	for _, n := range w.broken {
		p.Faulted += n
	}
	for _, n := range w.events {
		p.Events += n
	}
	return p
}
