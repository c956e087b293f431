// Package leak finds loans that are held too long, and names the code that holds them.
//
//	leaks := leak.New(leak.Config{Report: func(r leak.Report) { log.Print(r) }})
//	pool, err := sqlpool.New(sqlpool.Config{Connector: connector, Hooks: []sqlpool.Hooks{leaks.Hooks()}})
//
// A database that was opened by name (sql.Open("sqlpool-pgx", dsn)) has a
// detector already, with the settings pool_leak_…:
//
//	leaks, ok := drivers.LeaksOf(db)
//
// Leaks counts the loans that are held too long now, and Holders lists all loans that
// have not ended. Log is a Config.Report that logs.
//
// A Detector takes the program counters of the borrower when a loan begins (no
// allocation, no symbols), and looks at the loans that have not ended at each of the
// pool's sweeps. A loan that its borrower has not used for Config.After is reported
// once, with its stack, and once more when it ends. A statement that runs for longer is
// a use and no leak: Holders lists such a loan, but it is not reported. If a driver
// does not tell whether the server is at work (sqlpool.ActivityUnknown), the time
// counts from the acquire.
package leak

import (
	"sync"
	"sync/atomic"

	"github.com/sqlpool/go/sqlpool"
)

// Detector watches the loans of the pools whose Config.Hooks have its Hooks.
// Its methods may be called from any goroutine.
type Detector struct {
	cfg     Config
	armed   atomic.Bool
	counter atomic.Uint64
	leaks   atomic.Int64

	mu      sync.Mutex
	records map[*sqlpool.ConnRef]*record
}

// New returns a detector.
func New(cfg Config) *Detector {
	if cfg.After == 0 {
		cfg.After = DefaultAfter
	}
	if cfg.SampleEvery <= 0 {
		cfg.SampleEvery = 100
	}
	if cfg.Profile {
		inUse() // so that the profile is listed, and found by name, before the first loan
	}
	return &Detector{cfg: cfg, records: make(map[*sqlpool.ConnRef]*record)}
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

// Leaks is how many loans leak now. It takes no lock. A nil Detector, which
// drivers.LeaksOf returns when detection is off, has none.
func (d *Detector) Leaks() int {
	if d == nil {
		return 0
	}
	return int(d.leaks.Load())
}

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
		e.SetOrigin(r)
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
		rep := d.describe(r, e.Conn.Loans(), e.Held, true)
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
		if !ok {
			continue
		}
		if r.watch(loan, held) < d.cfg.After || !r.mark(loan, d.cfg.Reclaim) {
			continue
		}
		d.leaks.Add(1)
		d.armed.Store(true)
		d.report(d.describe(r, loan, held, false))
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
