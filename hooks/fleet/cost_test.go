package fleet

import (
	"database/sql"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	_ "github.com/lib/pq"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// What one reading costs on a server with 500 sessions of 25 members, by a role without
// privileges.
func BenchmarkReading(b *testing.B) {
	const sessions, members = 500, 25
	server := pgserver.Run(b, pgserver.Options{MaxConnections: sessions + 20})
	if err := server.Exec(b.Context(), "CREATE ROLE plain LOGIN"); err != nil {
		b.Fatal(err)
	}
	endpoint := server.TCP()
	endpoint.User = "plain"
	db, err := sql.Open("postgres", endpoint.URL("postgres"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxIdleConns(sessions)
	group := classesOf("orders")
	var wg sync.WaitGroup
	conns := make([]*sql.Conn, sessions)
	errs := make([]error, sessions)
	turns := make(chan struct{}, 8)
	for i := range conns {
		wg.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			if conns[i], errs[i] = db.Conn(b.Context()); errs[i] != nil {
				return
			}
			l := &link{fleet: &Fleet{classes: group, member: &member{id: uint32(i%members + 1)}}}
			text := "SELECT " + l.lock()
			if i < members {
				text += ", " + l.take(publication{seq: 1, cap: 20, want: 20})
			}
			_, errs[i] = conns[i].ExecContext(b.Context(), text)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
	query := group.query(false)
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		rows, err := conns[0].QueryContext(b.Context(), query)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for rows.Next() {
			n++
		}
		_ = rows.Close()
		if n != members {
			b.Fatalf("%d members", n)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs/median")
	b.ReportMetric(float64(took[0].Microseconds()), "µs/least")
}

// What the hook at the end of each loan adds to it.
func BenchmarkLoan(b *testing.B) {
	f := New(Config{MaxConns: 10})
	for _, c := range []struct {
		name  string
		hooks []sqlpool.Hooks
	}{{"alone", nil}, {"fleet", []sqlpool.Hooks{{AfterRelease: f.Hooks().AfterRelease}}}} {
		b.Run(c.name, func(b *testing.B) {
			p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.Instant(), Hooks: c.hooks})
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			b.ReportAllocs()
			for b.Loop() {
				loan, err := p.Acquire(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				_ = loan.Release()
			}
		})
	}
}

func TestALoanAllocatesNothingForAFleet(t *testing.T) {
	f := New(Config{MaxConns: 10})
	p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.Instant(), Hooks: []sqlpool.Hooks{{AfterRelease: f.Hooks().AfterRelease}}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		loan, err := p.Acquire(ctx)
		if err != nil {
			t.Error(err)
		}
		_ = loan.Release()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
