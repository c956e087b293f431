package fakedb_test

import (
	"context"
	"database/sql/driver"
	"sync"
	"testing"

	"github.com/sqlpool/go/internal/fakedb"
)

func connectors() map[string]driver.Connector {
	return map[string]driver.Connector{
		"Instant": fakedb.Instant(),
		"Full":    fakedb.New().Connector(),
		"Std":     fakedb.New().ConnectorAs(fakedb.Std),
	}
}

func TestUnscriptedExecAllocatesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for name, k := range connectors() {
		c, err := k.Connect(ctx)
		is(t, err, nil)
		e := c.(driver.ExecerContext)
		n := testing.AllocsPerRun(1000, func() { e.ExecContext(ctx, "UPDATE t SET a = 1", nil) })
		if n != 0 {
			t.Errorf("%s: %v allocations per ExecContext", name, n)
		}
	}
}

func TestInstantAnswersOneRow(t *testing.T) {
	c, err := fakedb.Instant().Connect(t.Context())
	is(t, err, nil)
	for range 2 {
		rows, err := c.(driver.QueryerContext).QueryContext(t.Context(), "SELECT 1", nil)
		is(t, err, nil)
		dest := make([]driver.Value, len(rows.Columns()))
		is(t, rows.Next(dest), nil)
		if dest[0] != int64(1) || rows.Next(dest) == nil {
			t.Errorf("row %v", dest)
		}
	}
}

// TestManyGoroutines is for the race detector: each has its connection, all share the server.
func TestManyGoroutines(t *testing.T) {
	db := fakedb.New()
	ctx := t.Context()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				c, err := db.Connector().Connect(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				c.(*fakedb.Conn).ExecContext(ctx, "INSERT x", nil)
				rule := db.On(fakedb.Ping, fakedb.Fault{Conn: c.(*fakedb.Conn).ID(), Err: errRefused})
				is(t, c.(*fakedb.Conn).Ping(ctx), errRefused)
				rule.Remove()
				db.Counts()
				c.Close()
			}
		})
	}
	all.Wait()
	n := db.Counts()
	if db.Written("x") != 800 || n.Execs != 800 || n.Pings != 800 || n.Live != 0 || n.PeakLive > 8 {
		t.Errorf("%+v", n)
	}
	clean(t, db)
}

func BenchmarkExec(b *testing.B) {
	ctx := b.Context()
	for name, k := range connectors() {
		c, err := k.Connect(ctx)
		if err != nil {
			b.Fatal(err)
		}
		e := c.(driver.ExecerContext)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.ExecContext(ctx, "UPDATE t SET a = 1", nil)
			}
		})
	}
}
