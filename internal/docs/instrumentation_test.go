package docs

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// tracer counts queries inside pgx.
type tracer struct{ queries atomic.Int64 }

func (c *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.queries.Add(1)
	return ctx
}

func (c *tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// A tracer of pgx's own is in the configuration that the adapter takes.
func TestInstrumentationInsidePgx(t *testing.T) {
	cfg, err := pgx.ParseConfig(pgserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	spans := new(tracer)
	cfg.Tracer = spans
	pool, err := sqlpool.New(sqlpool.Config{Connector: pgxv5.ConnectorConfig(cfg), MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	db := sqlpool.OpenDB(pool)
	defer db.Close()
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT $1::int", 7).Scan(&n); err != nil || n != 7 || spans.queries.Load() != 1 {
		t.Errorf("%d, %v, %d queries traced", n, err, spans.queries.Load())
	}
}
