package conformance

import (
	"context"
	"database/sql"
)

// Bench is what the check of a rule of one's own has in hand.
type Bench struct {
	x *trial

	// Probe watches what Open opens from below, and makes calls of the driver wait
	// or fail.
	Probe *Probe

	// Dialect is the SQL that the target speaks.
	Dialect Dialect
}

// Open opens the database under test, with the probe below it. It is closed when the
// check is over. A [Lacking] error of the target's Open skips the rule.
func (b *Bench) Open(s Settings) *Subject { return b.x.open(s) }

// Plain opens the same driver behind package sql alone, for comparison. It is closed
// when the check is over.
func (b *Bench) Plain() *sql.DB { return b.x.plain() }

// Table makes a table with these columns and returns its name; the table is dropped
// when the check is over. The rule is skipped where there are no tables.
func (b *Bench) Table(columns string) string {
	if reason := b.x.target.lacks(NeedTables); reason != "" {
		b.x.skipf("%s", reason)
	}
	return b.x.table(columns)
}

// own runs the check of a rule that is not this package's.
func (x *trial) own() {
	b := &Bench{x: x, Probe: x.probe(), Dialect: x.target.Dialect}
	if err := x.rule.Check(x.ctx, b); err != nil {
		x.errorf("%v", err)
	}
}

// NewProbe returns a probe that has seen nothing, for tests of one's own: put its
// Connector below a pool.
func NewProbe() *Probe { return newProbe() }

// Intercept has f called before each call of the driver, instead of what was set
// before; nil takes it away. It may wait. An error keeps the call from the driver and
// is its outcome.
func (p *Probe) Intercept(f func(context.Context, Call) error) { p.intercept(f) }

// Afterwards has f called with the outcome of each call, instead of what was set
// before; nil takes it away. What it returns is the outcome for the pool: so is a
// reply lost of a statement that the server has executed.
func (p *Probe) Afterwards(f func(context.Context, Call, error) error) { p.afterwards(f) }

// Count is how many calls of an operation there have been.
func (p *Probe) Count(op string) int { return p.count(op) }

// Open is how many connections are open, whose Close has not returned, and the most
// that have been: what a server sees.
func (p *Probe) Open() (now, most int) { return p.openNow() }

// Opened is how many connections have been opened so far.
func (p *Probe) Opened() int { return p.opened() }

// Overlaps is how many calls met another one on their connection.
func (p *Probe) Overlaps() int { return p.overlaps() }
