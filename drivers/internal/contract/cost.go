package contract

import (
	"context"
	"database/sql/driver"
	"math"
	"testing"
)

// testCost: the adapter adds no allocation to a call.
func (s *suite) testCost(t *testing.T) {
	c := s.connect(t)
	// The least of several counts: the race detector empties pools at random, so
	// that TLS allocates now and then.
	count := func(conn driver.ExecerContext) float64 {
		least := math.Inf(1)
		for range 10 {
			least = min(least, testing.AllocsPerRun(20, func() {
				if _, err := conn.ExecContext(context.Background(), "SELECT 1", nil); err != nil {
					t.Fatal(err)
				}
			}))
		}
		return least
	}
	plain := count(c.Raw().(driver.ExecerContext))
	if adapted := count(c); adapted > plain {
		t.Errorf("%v allocations through the adapter, %v without", adapted, plain)
	}
}

// Bench compares a call through the adapter with one on the driver's own
// connection, and measures what the pool asks.
func Bench(b *testing.B, dsn string, connector Connect) {
	cn, err := connector(dsn)
	if err != nil {
		b.Fatal(err)
	}
	inner, err := cn.Connect(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	defer inner.Close()
	c := inner.(Conn)
	for name, conn := range map[string]driver.ExecerContext{"adapter": c, "driver": c.Raw().(driver.ExecerContext)} {
		b.Run("exec/"+name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conn.ExecContext(ctx, "SELECT 1", nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("status", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.TxStatus()
		}
	})
	b.Run("alive", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Alive()
		}
	})
	b.Run("reset", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.ResetSession(context.Background())
		}
	})
}
