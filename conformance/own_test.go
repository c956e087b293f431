package conformance_test

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sqlpool/go/conformance"
	"github.com/sqlpool/go/conformance/scripted"
)

// fullConn is what the driver's connections have.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// ownPool lends connections in the order in which callers come.
type ownPool struct {
	driver.Connector
	slots chan fullConn // nil: not open yet
}

func (p *ownPool) Connect(ctx context.Context) (driver.Conn, error) {
	var c fullConn
	select {
	case c = <-p.slots:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c != nil && c.ResetSession(ctx) != nil {
		_ = c.Close()
		c = nil
	}
	if c == nil {
		inner, err := p.Connector.Connect(ctx)
		if err != nil {
			p.slots <- nil
			return nil, err
		}
		c = inner.(fullConn)
	}
	return &ownLoan{fullConn: c, pool: p}, nil
}

type ownLoan struct {
	fullConn
	pool *ownPool
	fit  bool
}

func (l *ownLoan) IsValid() bool { l.fit = l.fullConn.IsValid(); return l.fit } // asked when a loan ends well

func (l *ownLoan) Raw() driver.Conn { return l.fullConn }

func (l *ownLoan) Close() error {
	if l.fit {
		l.pool.slots <- l.fullConn
		return nil
	}
	defer func() { l.pool.slots <- nil }()
	return l.fullConn.Close()
}

func (p *ownPool) Close() error {
	for range cap(p.slots) {
		if c := <-p.slots; c != nil {
			_ = c.Close()
		}
	}
	return nil
}

// openOwn opens the pool for a rule.
func openOwn(s conformance.Settings) (*conformance.Subject, error) {
	if s.MinIdle > 0 || s.MaxLifetime > 0 || s.MaxIdleTime > 0 || s.Hooks != nil || s.Adjust != nil {
		return nil, conformance.Lacking("this pool has a limit and no other setting")
	}
	pool := &ownPool{s.Connector, make(chan fullConn, cmp.Or(s.MaxConns, 10))}
	for range cap(pool.slots) {
		pool.slots <- nil
	}
	db := sql.OpenDB(pool)
	db.SetMaxIdleConns(-1) // each call is a loan
	figures := func() conformance.Figures {
		st := db.Stats()
		return conformance.Figures{Open: -1, InUse: st.InUse, Idle: len(pool.slots), Waiting: -1, Waited: -1}
	}
	return &conformance.Subject{DB: db, Close: db.Close, Figures: figures}, nil
}

// A pool that is correct passes, with what it does not promise said in words.
func TestAPoolOfOnesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := scripted.Target(scripted.New())
		target.Open = openOwn
		target.Only = []string{"SQL", "ACQ", "RST", "INV"}
		target.NotPromised = map[string]string{
			"SQL-12": "an ended context is left to the driver",
			"RST-01": "a transaction that was begun as text is its caller's to end",
			"RST-02": "a transaction that was begun as text is its caller's to end",
			"INV-02": "a statement is prepared anew for each loan",
			"INV-08": "database/sql runs a statement again when the driver says driver.ErrBadConn",
		}
		report, err := target.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !report.OK() {
			t.Error(report)
		}
		if n := report.Count(conformance.Pass); n < 20 {
			t.Errorf("only %d rules hold: %v", n, report)
		}
	})
}

// A tracer between database/sql and the pool is no borrower: the reports, and the errors
// of those who wait, name the function above it.
func TestAWrapperAboveThePoolIsNotTakenForTheBorrower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := scripted.Target(scripted.New())
		target.Only = []string{"LEAK"}
		target.Open = func(s conformance.Settings) (*conformance.Subject, error) {
			subject, err := conformance.OpenPool(s)
			if err != nil {
				return nil, err
			}
			above, closePool := sql.OpenDB(tracer{subject.Pool.Connector()}), subject.Close
			subject.DB, subject.Close = above, func() error { return errors.Join(above.Close(), closePool()) }
			return subject, nil
		}
		report, err := target.Check(t.Context())
		if err != nil || !report.OK() || report.Count(conformance.Pass) != len(report.Results) {
			t.Errorf("%v, %v", report, err)
		}
	})
}

// tracer has frames of its own above each call of the pool.
type tracer struct{ driver.Connector }

func (k tracer) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return tracedConn{c.(fullConn)}, nil
}

type tracedConn struct{ fullConn }

func (c tracedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.fullConn.ExecContext(ctx, query, args)
}

func (c tracedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.fullConn.QueryContext(ctx, query, args)
}

func (c tracedConn) ResetSession(ctx context.Context) error { return c.fullConn.ResetSession(ctx) }

// A rule of one's own has a probe below the pool, and fails on a pool that breaks it.
func TestARuleOfOnesOwn(t *testing.T) {
	rule := conformance.Rule{
		ID: "MINE-01", Rule: "a ping is one call of the driver", Why: "health checks are counted", Source: "our runbook",
		Check: func(ctx context.Context, b *conformance.Bench) error {
			db := b.Open(conformance.Settings{MaxConns: 1}).DB
			before := b.Probe.Count(conformance.OpPing)
			if err := db.PingContext(ctx); err != nil {
				return err
			}
			if n := b.Probe.Count(conformance.OpPing) - before; n != 1 {
				return fmt.Errorf("%d calls", n)
			}
			return nil
		},
	}
	for name, want := range map[string]conformance.Verdict{"": conformance.Pass, "twice": conformance.Fail} {
		synctest.Test(t, func(t *testing.T) {
			target := scripted.Target(scripted.New())
			target.Own, target.Only = []conformance.Rule{rule}, []string{"MINE"}
			target.Open = func(s conformance.Settings) (*conformance.Subject, error) {
				if name == "twice" {
					s.Connector = pinging{s.Connector}
				}
				return openOwn(s)
			}
			report, err := target.Check(t.Context())
			if err != nil || len(report.Results) != 1 || report.Results[0].Verdict != want || !strings.Contains(report.String(), "MINE-01") {
				t.Errorf("%s: %v, %v", name, report, err)
			}
		})
	}
}

// pinging asks twice.
type pinging struct{ driver.Connector }

func (p pinging) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return pingingConn{c.(fullConn)}, nil
}

type pingingConn struct{ fullConn }

func (c pingingConn) Ping(ctx context.Context) error {
	return errors.Join(c.fullConn.Ping(ctx), c.fullConn.Ping(ctx))
}

// A misspelt name must not leave a rule out, or pick none.
func TestRulesArePickedByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for want, change := range map[string]func(*conformance.Target){
			"":                 func(c *conformance.Target) { c.Only = []string{"SQL-01", "CFG"} },
			`"SQL-99"`:         func(c *conformance.Target) { c.Only = []string{"SQL-99"} },
			`"ACK"`:            func(c *conformance.Target) { c.NotPromised = map[string]string{"ACK": "misspelt"} },
			"without a reason": func(c *conformance.Target) { c.NotPromised = map[string]string{"ACQ-01": " "} },
			`called "SQL-01"`: func(c *conformance.Target) {
				c.Own = []conformance.Rule{{ID: "SQL-01", Check: func(context.Context, *conformance.Bench) error { return nil }}}
			},
			`called "MINE-02"`: func(c *conformance.Target) { c.Own = []conformance.Rule{{ID: "MINE-02"}} },
		} {
			target := scripted.Target(scripted.New())
			change(&target)
			report, err := target.Check(t.Context())
			switch {
			case want == "":
				if err != nil || len(report.Results) != 10 || report.Count(conformance.Pass) != 10 {
					t.Errorf("%v, %v", report, err)
				}
			case err == nil || !strings.Contains(err.Error(), want):
				t.Errorf("want %s in %v", want, err)
			}
		}
	})
}
