package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// ledger is a place for unique rows, and a way to count them that does not go
// through the database under test.
type ledger struct {
	x      *trial
	table  string
	insert string // a statement with the row as its only argument

	// returning is insert as a query of one row, or empty.
	returning string
}

// ledger makes one. The rule has NeedLedger.
func (x *trial) ledger() ledger {
	d := &x.target.Dialect
	if d.Written != nil {
		return ledger{x, "", d.Insert, d.Returning}
	}
	table := x.table("v text")
	return ledger{x, table, in(d.Insert, table), in(d.Returning, table)}
}

// writings are the ways to write a row.
func (l ledger) writings() []string {
	all := []string{"Exec"}
	prepares := l.x.target.lacks(NeedPrepares) == ""
	if prepares {
		all = append(all, "prepared")
	}
	if l.returning != "" {
		if all = append(all, "Query"); prepares {
			all = append(all, "prepared Query")
		}
	}
	return all
}

// write writes a row in one of these ways.
func (l ledger) write(ctx context.Context, on preparer, how, token string) (err error) {
	text := l.insert
	if strings.Contains(how, "Query") {
		text = l.returning
	}
	do := asText
	if strings.HasPrefix(how, "prepared") && l.x.target.lacks(NeedPrepares) == "" {
		do = asStmt
	}
	opened := do(ctx, on, text, func(a asker) {
		if !strings.Contains(how, "Query") {
			_, err = a.exec(token)
			return
		}
		var rows *sql.Rows
		if rows, err = a.query(token); err == nil {
			err = readAll(rows)
		}
	})
	if err != nil {
		return err
	}
	return opened
}

// token is a row that no other check writes.
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
	x.must("counting rows", x.look().QueryRowContext(x.ctx, in(d.Count, l.table), token).Scan(&n))
	return n
}
