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

// mostRounds bounds how often the two are compared. What else a machine does moves one
// round's figures by some ten percent to either side, far more than the bound, and so
// it is the sum that counts: it comes to the truth, for a pool that is worse as well.
const mostRounds = 6

// Under more load than the connections can bear, and after it, the pool that a
// program opens by name serves as many callers as database/sql does on the same
// driver. Both have the same load at the same time.
func TestOverloadServesAsManyAsPlain(t *testing.T) {
	for _, fault := range Faults() {
		short := fault.Shortage
		if short == nil || short.Working < short.Conns {
			continue
		}
		for _, a := range adapters {
			t.Run(fault.Name+" "+a.driver, func(t *testing.T) {
				scene := newScene(t, pgserver.Options{}, nil)
				var book ledger.Book // one table, one book
				var ours, theirs share
				for round := 1; ; round++ {
					overloadRound(t, scene, short, a.driver, &book, &ours, &theirs)
					if ours.of() >= 0.98*theirs.of() {
						break
					}
					if round == mostRounds {
						t.Errorf("in %d rounds served %d of %d, database/sql %d of %d", round, ours.served, ours.asked, theirs.served, theirs.asked)
						break
					}
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

// share is how many calls were served of those that were made.
type share struct{ served, asked int }

func (s *share) add(f *Figures) {
	s.served += f.Served()
	s.asked += f.Statements
}

func (s *share) of() float64 { return float64(s.served) / float64(s.asked) }

// overloadRound is one round of it.
func overloadRound(t *testing.T, scene *Scene, short *Shortage, driver string, book *ledger.Book, oursOfAll, theirsOfAll *share) {
	t.Helper()
	names := map[string]string{"pgx": drivers.PGX, "libpq": drivers.PQ}
	h, err := drivers.Open(names[driver], scene.DSN(), drivers.Setting("pool_max_conns", short.Conns))
	if err != nil {
		t.Fatal(err)
	}
	defer h.DB.Close()
	plain := peer(t, scene, "database/sql", driver, short.Conns)

	var ours, theirs Figures
	var both sync.WaitGroup
	for f, db := range map[*Figures]*sql.DB{&ours: h.DB, &theirs: plain.DB} {
		both.Go(func() {
			tries, stuck, overdue, err := short.Ask(t.Context(), db, book)
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
	if dials > 10 {
		t.Errorf("%d dials for %d connections", dials, short.Conns)
	}
	oursOfAll.add(&ours)
	theirsOfAll.add(&theirs)
}
