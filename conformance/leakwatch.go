package conformance

import (
	"database/sql"

	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/sqlpool"
)

// watched is a leak detector and what it reports.
type watched struct {
	*leak.Detector
	reports list[leak.Report]
	swept   list[struct{}]
	out     func() int // loans that the pool says are out
}

// leaking opens a pool that looks for leaks every millisecond.
func (x *trial) leaking(cfg leak.Config, conns int) (*Subject, *watched) {
	w := &watched{}
	if cfg.After == 0 {
		cfg.After = soon
	}
	cfg.Report = w.reports.add
	w.Detector = leak.New(cfg)
	count := sqlpool.Hooks{OnSweep: func(*sqlpool.Pool) { w.swept.add(struct{}{}) }}
	s := x.open(Settings{MaxConns: conns, Hooks: []sqlpool.Hooks{w.Hooks(), count}, Adjust: sweepFast})
	w.out = func() int { return len(s.Pool.Holders()) }
	return s, w
}

func sweepFast(c *sqlpool.Config) { c.SweepInterval = soon / 20 }

// sweeps waits for that many sweeps.
func (x *trial) sweeps(w *watched, n int) {
	before := len(w.swept.all())
	x.until("the pool sweeps", func() bool { return len(w.swept.all()) >= before+n })
}

// borrowForTooLong is the culprit, by name.
//
//go:noinline
func borrowForTooLong(x *trial, db *sql.DB) *sql.Conn {
	conn, err := db.Conn(x.ctx)
	x.must("Conn", err)
	x.cleanup(func() { _ = conn.Close() })
	_, err = conn.ExecContext(x.ctx, x.target.Dialect.One)
	x.must("a statement", err)
	return conn
}

// queryAndForget is another.
//
//go:noinline
func queryAndForget(x *trial, db *sql.DB) *sql.Rows {
	rows, err := db.QueryContext(x.ctx, x.target.Dialect.One)
	x.must("Query", err)
	x.cleanup(func() { _ = rows.Close() })
	return rows
}
