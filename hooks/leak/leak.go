// Package leak finds loans that are held too long and names who holds them.
//
//	leaks := leak.New(leak.Config{Report: func(r leak.Report) { log.Print(r) }})
//	pool, err := sqlpool.New(sqlpool.Config{Connector: connector, Hooks: []sqlpool.Hooks{leaks.Hooks()}})
//
// A database that was opened by name (sql.Open("sqlpool-pgx", dsn)) has a
// detector already, with the settings pool_leak_…:
//
//	leaks, ok := drivers.LeaksOf(db)
//
// Leaks counts what is held too long now, and Holders lists all loans that are
// out. Log is a Config.Report that logs.
//
// A Detector takes the program counters of the borrower when a loan begins
// (no allocation, no symbols), and looks at the loans that are out at each of
// the pool's sweeps. What has been out for longer than Config.After is
// reported once, with its stack, and once more when it comes back after all.
package leak

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// Capture says when a Detector takes stacks.
//
// On amd64 and arm64 the program counters are read by following frame pointers
// (callers_fast.go), some nanoseconds for a whole stack: SELECT 1 over a unix
// socket keeps 0.98 to 1.03 times its throughput with one caller and 0.98 times
// with 8 (BenchmarkCaptureAlways, with cgo, medians of two runs; 1.00 and 0.98
// without cgo, of six). Elsewhere runtime.Callers costs some 1.7 µs for a query's
// 17 frames, and it is 0.94 and 0.91; Armed and Sampled avoid that.
type Capture int

const (
	// Always takes the stack of every loan.
	Always Capture = iota

	// Sampled takes the stack of one loan in Config.SampleEvery; the others are
	// reported without one.
	Sampled

	// Armed takes no stack until the first leak is found, and every stack from
	// then on: nothing is paid for while nothing leaks, and the first report
	// has no stack.
	Armed
)

// Config configures a Detector. The zero value reports to nobody what has been
// held for 30 seconds: Leaks, Holders and the pool's own errors still show it.
type Config struct {
	// After is how long a loan may be held. Default 30 s; negative turns
	// detection off. It is noticed at the pool's next sweep.
	After time.Duration

	// Capture says when stacks are taken. Default Always.
	Capture Capture

	// SampleEvery is the n of "one loan in n" under Sampled. Default 100.
	SampleEvery int

	// Report is told of each leak once, and once more when the loan ends after
	// all (Report.Returned). It is called from the pool's sweep, or from the
	// goroutine that returns the connection, and must not block.
	Report func(Report)

	// HideStatements leaves the last statement's text out of reports. Arguments
	// are never in them.
	HideStatements bool

	// Reclaim cuts the connection of a loan that is found leaking, so that its
	// slot can be dialed into again. The borrower's next use fails. Off by
	// default: a slow report is not a leak.
	Reclaim bool

	// Profile also keeps the stacks of all loans that are out in the
	// runtime/pprof profile "sqlpool.inuse", for go tool pprof and
	// /debug/pprof. It costs an allocation for each loan.
	Profile bool
}

// DefaultAfter is how long a loan may be held by default.
const DefaultAfter = 30 * time.Second

// Detector watches the loans of the pools whose Config.Hooks have its Hooks.
// Its methods may be called from any goroutine.
type Detector struct {
	cfg     Config
	armed   atomic.Bool
	counter atomic.Uint64
	leaks   atomic.Int64

	mu      sync.Mutex
	records map[*sqlpool.Conn]*record
}

// New returns a detector.
func New(cfg Config) *Detector {
	if cfg.After == 0 {
		cfg.After = DefaultAfter
	}
	if cfg.SampleEvery <= 0 {
		cfg.SampleEvery = 100
	}
	return &Detector{cfg: cfg, records: make(map[*sqlpool.Conn]*record)}
}

// Hooks returns what goes into sqlpool.Config.Hooks.
func (d *Detector) Hooks() sqlpool.Hooks {
	if d.cfg.After < 0 {
		return sqlpool.Hooks{}
	}
	return sqlpool.Hooks{
		OnOpen:    d.opened,
		OnAcquire: d.acquired,
		OnRelease: d.released,
		OnClose:   d.closed,
		OnSweep:   d.sweep,
	}
}

// Leaks is how many loans are out for longer than Config.After now. It takes
// no lock.
func (d *Detector) Leaks() int { return int(d.leaks.Load()) }

func (d *Detector) opened(e sqlpool.Opened) {
	if e.Conn == nil {
		return
	}
	r := &record{conn: e.Conn}
	e.Conn.SetValue(d, r)
	d.mu.Lock()
	d.records[e.Conn] = r
	d.mu.Unlock()
}

func (d *Detector) closed(e sqlpool.Closed) {
	d.mu.Lock()
	delete(d.records, e.Conn)
	d.mu.Unlock()
}

func (d *Detector) acquired(e sqlpool.Acquired) {
	r, _ := e.Conn.Value(d).(*record)
	if r == nil {
		return
	}
	capture := d.captures()
	r.begin(e.Conn.Loans(), capture)
	if capture {
		e.Conn.SetOrigin(r)
	}
	if d.cfg.Profile {
		r.profile()
	}
}

func (d *Detector) released(e sqlpool.Released) {
	r, _ := e.Conn.Value(d).(*record)
	if r == nil {
		return
	}
	if d.cfg.Profile {
		inUse().Remove(r)
	}
	if reported, reclaimed := r.end(); reported {
		d.leaks.Add(-1)
		rep := d.describe(r, e.Held, true)
		rep.Reclaimed = reclaimed || e.Reason != nil && sqlpool.ReasonCode(e.Reason) == sqlpool.CodeForced
		d.report(rep)
	}
}

func (d *Detector) captures() bool {
	switch d.cfg.Capture {
	case Sampled:
		return d.counter.Add(1)%uint64(d.cfg.SampleEvery) == 0
	case Armed:
		return d.armed.Load()
	default:
		return true
	}
}

// sweep reports the loans that have become leaks since the last one.
func (d *Detector) sweep(*sqlpool.Pool) {
	for _, r := range d.snapshot() {
		loan, held, ok := r.conn.Lending()
		if !ok || held < d.cfg.After || !r.mark(loan, d.cfg.Reclaim) {
			continue
		}
		d.leaks.Add(1)
		d.armed.Store(true)
		d.report(d.describe(r, held, false))
		if d.cfg.Reclaim {
			r.conn.Reclaim(loan)
		}
	}
}

func (d *Detector) snapshot() []*record {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]*record, 0, len(d.records))
	for _, r := range d.records {
		all = append(all, r)
	}
	return all
}

func (d *Detector) report(r Report) {
	if d.cfg.Report != nil {
		d.cfg.Report(r)
	}
}
