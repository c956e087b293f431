package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func sqlOpen(c driver.Connector) *sql.DB { return sql.OpenDB(justConnector{c}) }

// justConnector hides that a connector can be closed.
type justConnector struct{ c driver.Connector }

func (j justConnector) Connect(ctx context.Context) (driver.Conn, error) { return j.c.Connect(ctx) }
func (j justConnector) Driver() driver.Driver                            { return j.c.Driver() }

var observeMutants = []mutant{
	{"OBS-01", "the count of waiters ends at 20", lying(func(s *sqlpool.Stats) { s.Waiting = min(s.Waiting, 20) })},
	{"OBS-02", "every second wait is counted", lying(func(s *sqlpool.Stats) { s.WaitCount /= 2 })},
	{"OBS-03", "timeouts are not counted", lying(func(s *sqlpool.Stats) { s.TimeoutCount = 0 })},
	{"OBS-04", "what is dialed or closed is not counted as open", lying(func(s *sqlpool.Stats) { s.Open = s.Idle + s.InUse })},
	{"OBS-05", "the shortest loan comes first", asking(func(p Pool) Pool { return backwardPool{p} })},
	{"OBS-06", "errors are not kept", lying(func(s *sqlpool.Stats) { s.LastError = "" })},
	{"OBS-07", "changes are told the wrong way round", hooked(func(h *sqlpool.Hooks) {
		if tell := h.OnState; tell != nil && h.OnStart == nil {
			h.OnState = func(e sqlpool.StateChanged) {
				if e.To == sqlpool.StateDown {
					e.From, e.To = e.To, e.From
				}
				tell(e)
			}
		}
	})},
	{"OBS-08", "the peak is that of now", lying(func(s *sqlpool.Stats) { s.PeakInUse = s.InUse })},
	{"OBS-09", "nobody is told that it waited", hooked(func(h *sqlpool.Hooks) {
		if tell := h.OnAcquire; tell != nil && h.OnSweep == nil { // a frame of ours above the leak detector's hook would be taken for the borrower
			h.OnAcquire = func(e sqlpool.Acquired) {
				e.Waited = 0
				tell(e)
			}
		}
	})},
	{"OBS-10", "the monitor does not hear that the pool is down", hooked(func(h *sqlpool.Hooks) {
		if sweep, state := h.OnSweep, h.OnState; monitors(h) {
			h.OnSweep = func(p *sqlpool.Pool) {
				if p.Stats().State == sqlpool.StateUp {
					sweep(p)
				}
			}
			h.OnState = func(e sqlpool.StateChanged) {
				if e.To == sqlpool.StateUp || e.To == sqlpool.StateClosed {
					state(e)
				}
			}
		}
	})},
	{"OBS-11", "reasons are not logged", hooked(func(h *sqlpool.Hooks) {
		if tell := h.OnClose; tell != nil && h.OnState != nil {
			h.OnClose = func(e sqlpool.Closed) {
				e.Reason = errors.New("closed")
				tell(e)
			}
		}
		if tell := h.OnRelease; tell != nil && h.OnState != nil {
			h.OnRelease = func(e sqlpool.Released) {
				e.Reason = nil
				tell(e)
			}
		}
	})},
}

type backwardPool struct{ Pool }

func (p backwardPool) Holders() []sqlpool.Holder {
	holders := p.Pool.Holders()
	slices.Reverse(holders)
	return holders
}

var configMutants = []mutant{
	{"CFG-01", "a negative MaxConns is repaired silently", asked(func(s *Settings) {
		if adjust := s.Adjust; adjust != nil {
			s.Adjust = func(c *sqlpool.Config) {
				adjust(c)
				c.MaxConns = max(c.MaxConns, 0)
			}
		}
	})},
	{"CFG-02", "problems are told in words only", func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			subject, err := OpenPool(s)
			if err != nil {
				return nil, errors.New(err.Error())
			}
			return subject, nil
		}
	}},
	{"CFG-03", "a default is not the documented one", asking(func(p Pool) Pool { return elevenPool{p} })},
	{"CFG-04", "hooks are looked up in the caller's slice", func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			var theirs []sqlpool.Hooks
			if adjust := s.Adjust; adjust != nil {
				s.Adjust = func(c *sqlpool.Config) {
					adjust(c)
					theirs = c.Hooks
					if last := len(theirs) - 1; theirs[last].BeforeAcquire != nil {
						ours := slices.Clone(theirs)
						ours[last].BeforeAcquire = func(ctx context.Context, c *sqlpool.Conn) error {
							return theirs[last].BeforeAcquire(ctx, c)
						}
						c.Hooks = ours
					}
				}
			}
			return OpenPool(s)
		}
	}},
	{"CFG-05", "statements are prepared all the same", configured(func(cfg *sqlpool.Config) { cfg.Statements = sqlpool.StatementsPrepared })},
	{"CFG-06", "statements are shown all the same", configured(func(cfg *sqlpool.Config) { cfg.HideStatements = false })},
	{"CFG-07", "queries are kept all the same", func(db *fakedb.DB, t *Target) {
		db.SetCacheQueries(true)
		configured(func(cfg *sqlpool.Config) { cfg.CacheQueries = true })(db, t)
	}},
	{"CFG-08", "nothing is pinged", configured(func(cfg *sqlpool.Config) { cfg.PingAfter = 0 })},
	{"CFG-09", "every pool is called the same", configured(func(cfg *sqlpool.Config) {
		if !strings.Contains(cfg.Name, "conformance") {
			cfg.Name = "pool"
		}
	})},
}

type elevenPool struct{ Pool }

func (p elevenPool) Config() sqlpool.Config {
	cfg := p.Pool.Config()
	if cfg.MaxConns == sqlpool.DefaultMaxConns {
		cfg.MaxConns++
	}
	return cfg
}
