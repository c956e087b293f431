package sqlpool

import "sync/atomic"

// terms are what sessions must know of the pool for each loan, in one word that
// they read without the pool's lock. All but the ticks are written under it.
type terms struct{ word atomic.Uint64 }

const (
	termKeep    = 1 << iota // sessions may keep connections: the clock of keeping.go ticks
	termCrowded             // somebody waits for a connection
	termClosed              // Shutdown has begun
	termPeaks               // a loan that is resumed may be a new Stats.PeakInUse
	termTick                // the count of ticks begins here; a change of generation counts for two
)

func (t *terms) has(term uint64) bool { return t.word.Load()&term != 0 }

func (t *terms) set(term uint64, holds bool) {
	if holds {
		t.word.Or(term)
	} else {
		t.word.And(^term)
	}
}

func (t *terms) ticks() uint64 { return t.word.Load() / termTick }
func (t *terms) tick(n uint64) { t.word.Add(n * termTick) }
