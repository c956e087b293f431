//go:build unix

package outage

import (
	"database/sql"
	"sync"
	"testing"

	"github.com/sqlpool/go/conformance/outage/ledger"
	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/internal/pgserver"
)

// Under more load than the connections can bear, and after it, the pool that a
// program opens by name serves as many callers as database/sql does on the same
// driver. Both have the same load at the same time.
func TestOverloadServesAsManyAsPlain(t *testing.T) {
	names := map[string]string{"pgx": drivers.PGX, "libpq": drivers.PQ}
	for _, fault := range Faults() {
		short := fault.Shortage
		if short == nil || short.Working < short.Conns {
			continue
		}
		for _, a := range adapters {
			t.Run(fault.Name+" "+a.driver, func(t *testing.T) {
				scene := newScene(t, pgserver.Options{}, nil)
				h, err := drivers.Open(names[a.driver], scene.DSN(), drivers.Setting("pool_max_conns", short.Conns))
				if err != nil {
					t.Fatal(err)
				}
				defer h.DB.Close()
				plain := peer(t, scene, "database/sql", a.driver, short.Conns)

				var book ledger.Book // one table, one book
				var ours, theirs Figures
				var both sync.WaitGroup
				for f, db := range map[*Figures]*sql.DB{&ours: h.DB, &theirs: plain.DB} {
					both.Go(func() {
						tries, stuck, overdue, err := short.Ask(t.Context(), db, &book)
						if err != nil || stuck > 0 {
							t.Errorf("%d calls have not returned, the last %v after its deadline (%v)", stuck, overdue, err)
						}
						f.count(tries, overdue)
					})
				}
				both.Wait()
				dials := h.Pool.Stats().DialCount
				t.Logf("served %d of %d with %d dials, database/sql %d of %d with %d; %d are possible; %q",
					ours.Served(), ours.Statements, dials, theirs.Served(), theirs.Statements, plain.Dials(), short.Possible(), ours.Messages)
				if float64(ours.Served())/float64(ours.Statements) < 0.98*float64(theirs.Served())/float64(theirs.Statements) {
					t.Errorf("served %d of %d, database/sql %d of %d", ours.Served(), ours.Statements, theirs.Served(), theirs.Statements)
				}
				if dials > 10 {
					t.Errorf("%d dials for %d connections", dials, short.Conns)
				}
				seen, err := scene.Seen(bounded(t))
				if err != nil {
					t.Fatal(err)
				}
				if err := book.Audit(seen).Err(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
