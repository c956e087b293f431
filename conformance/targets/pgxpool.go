package targets

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sqlpool/go/conformance"
)

// openPgxpool opens a pgxpool behind database/sql. A probe watches its sockets
// and its tracer.
func openPgxpool(dsn string) func(conformance.Settings) (*conformance.Subject, error) {
	return func(s conformance.Settings) (*conformance.Subject, error) {
		if s.Hooks != nil || s.Adjust != nil {
			return nil, conformance.Lacking("pgxpool has no such setting")
		}
		cfg, err := pgxpool.ParseConfig(dsn)
		if err != nil {
			return nil, err
		}
		cfg.MaxConns = int32(max(s.MaxConns, 0))
		if s.MaxConns == 0 {
			cfg.MaxConns = 10
		}
		cfg.MinIdleConns = int32(s.MinIdle)
		if s.MaxLifetime > 0 {
			cfg.MaxConnLifetime, cfg.HealthCheckPeriod = s.MaxLifetime, 100*time.Millisecond
		}
		if s.MaxIdleTime > 0 {
			cfg.MaxConnIdleTime, cfg.HealthCheckPeriod = s.MaxIdleTime, 100*time.Millisecond
		}
		if s.Probe != nil {
			cfg.ConnConfig.DialFunc = dialer(s.Probe)
			cfg.ConnConfig.Tracer = tracer{s.Probe}
		}
		pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
		if err != nil {
			return nil, err
		}
		db := stdlib.OpenDBFromPool(pool)
		closed := sync.OnceFunc(func() { closeWithin(pool, 2*time.Second) })
		return &conformance.Subject{
			DB: db,
			Close: func() error {
				err := db.Close()
				closed()
				return err
			},
			Figures: func() conformance.Figures {
				stat := pool.Stat()
				return conformance.Figures{
					Open: int(stat.TotalConns()), InUse: int(stat.AcquiredConns()), Idle: int(stat.IdleConns()),
					Waiting: -1, Waited: stat.EmptyAcquireCount(), WaitTime: stat.EmptyAcquireWaitTime(),
				}
			},
		}, nil
	}
}

// closeWithin does not wait for ever for connections that a failed check has
// left out, which pgxpool's Close does.
func closeWithin(pool *pgxpool.Pool, limit time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		pool.Close()
	}()
	select {
	case <-done:
	case <-time.After(limit):
	}
}

// dialer tells a probe of sockets, but not of those that carry a cancel request.
func dialer(p *conformance.Probe) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var inner net.Conn
		id, err := p.Dial(ctx, func(ctx context.Context) (err error) {
			inner, err = new(net.Dialer).DialContext(ctx, network, address)
			return err
		})
		if err != nil {
			return nil, err
		}
		return &socket{Conn: inner, probe: p, id: id}, nil
	}
}

type socket struct {
	net.Conn
	probe  *conformance.Probe
	id     int
	wrote  sync.Once
	closed sync.Once
	cancel bool
}

const cancelRequest = 80877102 // PostgreSQL's protocol, CancelRequest

// Write implements net.Conn.
func (s *socket) Write(b []byte) (int, error) {
	s.wrote.Do(func() {
		if s.cancel = len(b) == 16 && binary.BigEndian.Uint32(b[4:]) == cancelRequest; s.cancel {
			s.probe.NotAConnection(s.id)
		}
	})
	return s.Conn.Write(b)
}

// Close implements net.Conn.
func (s *socket) Close() error {
	s.closed.Do(func() {
		s.wrote.Do(func() {})
		if !s.cancel {
			s.probe.Closed(s.id)
		}
	})
	return s.Conn.Close()
}

// tracer tells a probe of prepared statements.
type tracer struct{ probe *conformance.Probe }

type preparing struct{}

// TraceQueryStart implements pgx.QueryTracer.
func (tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TracePrepareStart implements pgx.PrepareTracer.
func (tracer) TracePrepareStart(ctx context.Context, _ *pgx.Conn, data pgx.TracePrepareStartData) context.Context {
	return context.WithValue(ctx, preparing{}, data.SQL)
}

// TracePrepareEnd implements pgx.PrepareTracer.
func (t tracer) TracePrepareEnd(ctx context.Context, conn *pgx.Conn, data pgx.TracePrepareEndData) {
	if text, ok := ctx.Value(preparing{}).(string); ok && !data.AlreadyPrepared && data.Err == nil {
		t.probe.Prepared(int(conn.PgConn().PID()), text)
	}
}
