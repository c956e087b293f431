package main

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/resetter"
	"github.com/sqlpool/go/hooks/slogger"
	"github.com/sqlpool/go/sqlpool"
)

// poolDrivers are the pool's names in database/sql for --driver.
var poolDrivers = map[string]string{"pgx": drivers.PGX, "pq": drivers.PQ}

// keepalive is how soon an outage shows in a pool without callers, and an assistant's pool has none most of the time.
const keepalive = 2 * time.Second

// opened is what an MCP server serves.
type opened struct {
	pool    *sqlpool.Pool
	db      *sql.DB
	page    *debugui.UI
	changes changes // of its state
}

// config is the pool that the settings ask for, with the fields that an untrusted reader must not change.
func (m *mcp) config(log *slog.Logger) (sqlpool.Config, error) {
	cfg, err := drivers.Config(poolDrivers[m.Driver], m.DSN)
	if err != nil {
		return cfg, err
	}
	// A statement is parsed by the server before it is executed, which refuses two in one text.
	cfg.Statements, cfg.CacheQueries = sqlpool.StatementsPrepared, false
	// A SELECT can take an advisory lock that outlives its transaction.
	cfg.Hooks = append(cfg.Hooks, resetter.Clean())
	if log != nil {
		cfg.Hooks = append(cfg.Hooks, slogger.Hooks(log))
	}
	return cfg, nil
}

// open opens the pool and does not wait for the database: one that is down is what an assistant is asked about.
func (m *mcp) open(log *slog.Logger) (*opened, error) {
	cfg, err := m.config(log)
	if err != nil {
		return nil, err
	}
	o := &opened{changes: make(changes, 1)}
	monitor := health.New(health.Config{
		Keepalive: keepalive,
		OnChange: func(from, to health.Status) {
			log.Info("health changed", "from", from.State, "to", to.State, "reasons", to.Reasons)
			o.changes.note()
		},
	})
	o.page = debugui.New(debugui.Config{Health: monitor})
	cfg.Hooks = append(cfg.Hooks, monitor.Hooks(), o.page.Hooks())
	if o.pool, err = sqlpool.New(cfg); err != nil {
		return nil, err
	}
	o.db = sqlpool.OpenDB(o.pool)
	return o, nil
}

// look implements looker.
func (o *opened) look(context.Context, uint64) (*debugui.View, error) {
	v, _ := o.page.View(0) // the pool has started
	return &v, nil
}

// poolStatistics is sqlpool.Stats as JSON. Times are milliseconds.
type poolStatistics struct {
	Pool             string  `json:"pool"`
	State            string  `json:"state" jsonschema:"starting, up, retrying, down or closed"`
	MaxConns         int     `json:"max_conns"`
	Open             int     `json:"open"`
	Idle             int     `json:"idle"`
	InUse            int     `json:"in_use"`
	Dialing          int     `json:"dialing"`
	Closing          int     `json:"closing"`
	Waiting          int     `json:"waiting" jsonschema:"acquires in the queue"`
	PeakInUse        int     `json:"peak_in_use"`
	AcquireCount     uint64  `json:"acquire_count"`
	ReleaseCount     uint64  `json:"release_count"`
	WaitCount        uint64  `json:"wait_count" jsonschema:"acquires that had to wait"`
	WaitMS           float64 `json:"wait_ms" jsonschema:"how long they waited in all"`
	MaxWaitMS        float64 `json:"max_wait_ms"`
	AverageAcquireMS float64 `json:"average_acquire_ms" jsonschema:"time in the queue per acquire, over all acquires"`
	TimeoutCount     uint64  `json:"timeout_count"`
	CanceledCount    uint64  `json:"canceled_count"`
	SaturatedCount   uint64  `json:"saturated_count"`
	UnavailableCount uint64  `json:"unavailable_count"`
	DialCount        uint64  `json:"dial_count"`
	DialErrorCount   uint64  `json:"dial_error_count"`
	CloseCount       uint64  `json:"close_count"`
	Generation       uint64  `json:"generation"`
	MisuseCount      uint64  `json:"misuse_count"`

	CreatedAt   time.Time  `json:"created_at"`
	LastError   string     `json:"last_error,omitempty"`
	LastErrorAt *time.Time `json:"last_error_at,omitempty"`
}

// milliseconds keeps three decimals.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
