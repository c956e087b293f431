package main

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/sqlpool"
)

const (
	dials   = 3  // the first one also resolves names
	samples = 30 // of SELECT 1: some milliseconds on a near server
)

// plainRoute is an open way to the database through one driver, without the pool.
type plainRoute struct {
	driverCheck
	db   *sql.DB
	conn *sql.Conn
}

// connect opens connections through a driver, one after the other, and measures them. The last one stays open.
func (c *check) connect(ctx context.Context, name string) (*plainRoute, sqlpool.Config) {
	r := &plainRoute{driverCheck: driverCheck{Driver: name}}
	cfg, err := drivers.Config(poolDrivers[name], c.dsn())
	if err != nil { // read once already, by Validate
		r.fail(err)
		return r, cfg
	}
	limit := cfg.ConnectTimeout
	if limit == 0 {
		limit = sqlpool.DefaultConnectTimeout
	}
	r.db = sql.OpenDB(cfg.Connector)
	r.db.SetMaxIdleConns(0)
	for range dials {
		if r.conn != nil {
			_ = r.conn.Close()
		}
		began := time.Now()
		dialing, cancel := context.WithTimeout(ctx, limit)
		r.conn, err = r.db.Conn(dialing)
		cancel()
		if err != nil && ctx.Err() != nil {
			err = errInterrupted
		}
		if err != nil {
			r.fail(err)
			if reason, remedy, known := explainTimeout(ctx, c.dsn(), limit, err); known {
				r.Error, r.Remedy = reason, remedy
			}
			r.close()
			return r, cfg
		}
		if took := milliseconds(time.Since(began)); r.ConnectMS == 0 || took < r.ConnectMS {
			r.ConnectMS = took
		}
	}
	if r.Latency, err = measure(ctx, r.conn); err != nil {
		r.fail(err)
		r.close()
		return r, cfg
	}
	r.TLS = lookAtTLS(ctx, r.conn)
	return r, cfg
}

func (r *plainRoute) fail(err error) { r.Error, r.Remedy = explainDial(err) }

func (r *plainRoute) close() {
	if r.conn != nil {
		_ = r.conn.Close()
	}
	if r.db != nil {
		_ = r.db.Close()
	}
}

// ask runs a query without arguments and returns its rows as text. It uses the simple protocol, on both drivers, because
// nothing that is prepared survives a pooler in transaction mode.
func ask(ctx context.Context, conn *sql.Conn, query string) (all [][]sql.NullString, err error) {
	var args []any
	if isPgx(conn) {
		args = append(args, pgx.QueryExecModeSimpleProtocol)
	}
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row, targets := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range row {
			targets[i] = &row[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

func isPgx(conn *sql.Conn) bool {
	return pgxv5.Raw(conn, func(*pgx.Conn) error { return nil }) == nil
}

func measure(ctx context.Context, conn *sql.Conn) (*roundTrips, error) {
	var took []time.Duration
	for range samples {
		began := time.Now()
		if _, err := ask(ctx, conn, "SELECT 1"); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	at := func(share float64) float64 { return milliseconds(took[int(share*float64(len(took)-1))]) }
	return &roundTrips{Samples: len(took), P50: at(0.5), P95: at(0.95), Max: at(1)}, nil
}

// settingsOf returns the settings as a pool would read them, which is alike for all drivers. Nothing is opened for it.
func settingsOf(name, dsn string) []sqlpool.Setting {
	db, err := sql.Open(poolDrivers[name], dsn)
	if err != nil { // read once already, by Validate
		return nil
	}
	defer func() { _ = db.Close() }()
	all, _ := drivers.SettingsOf(db)
	return all
}

// hosts counts the servers that a connection string names, and says whether it says which of them will do.
func hosts(dsn string) (n int, attrs bool) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return 0, false
	}
	return len(places(dsn)), cfg.ValidateConnect != nil
}

// place is where a server is to be found.
type place struct {
	host string
	port uint16
}

// places are those that a connection string names, each once.
func places(dsn string) (all []place) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil
	}
	all = []place{{cfg.Host, cfg.Port}}
	for _, f := range cfg.Fallbacks { // the same server without TLS is one of them too
		if p := (place{f.Host, f.Port}); !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}
