package conformance

import (
	"fmt"
	"strings"
)

// ledger is a place for unique rows, and a way to count them that does not go
// through the database under test.
type ledger struct {
	x      *trial
	table  string
	insert string // a statement with the row as its only argument
}

// ledger makes one. The rule has NeedLedger.
func (x *trial) ledger() ledger {
	d := &x.target.Dialect
	if d.Written != nil {
		return ledger{x, "", d.Insert}
	}
	table := x.table("v text")
	return ledger{x, table, in(d.Insert, table)}
}

// token is a row that nobody else writes.
func (l ledger) token(n int) string { return l.tokenOf(fmt.Sprint(n)) }

func (l ledger) tokenOf(word string) string {
	return strings.ToLower(l.x.rule.ID) + "_" + l.x.target.run + "_" + word
}

// written counts a row.
func (l ledger) written(token string) (n int) {
	x, d := l.x, &l.x.target.Dialect
	if d.Written != nil {
		n, err := d.Written(x.ctx, token)
		x.must("counting rows", err)
		return n
	}
	x.must("counting rows", x.plain().QueryRowContext(x.ctx, in(d.Count, l.table), token).Scan(&n))
	return n
}
