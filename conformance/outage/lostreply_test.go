//go:build unix

package outage

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sqlpool/go/conformance/outage/ledger"
	"github.com/sqlpool/go/conformance/outage/tap"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// An INSERT whose reply is lost is there once, and its caller has one error.
func TestALostReplyIsOneRowAndOneError(t *testing.T) {
	onEach(t, pgserver.Options{}, throughTap, sqlpool.Config{}, func(l *lab) {
		stmt, err := l.db.PrepareContext(l.ctx(), "INSERT INTO ledger (token) VALUES ($1)")
		l.must(err)
		defer stmt.Close()
		kinds := map[string]func(token int64) error{
			"exec": func(token int64) error {
				_, err := l.db.ExecContext(l.ctx(), fmt.Sprintf("INSERT INTO ledger (token) VALUES (%d)", token))
				return err
			},
			"exec with arguments": func(token int64) error {
				_, err := l.db.ExecContext(l.ctx(), "INSERT INTO ledger (token) VALUES ($1)", token)
				return err
			},
			"query": func(token int64) error {
				return l.db.QueryRowContext(l.ctx(), "INSERT INTO ledger (token) VALUES ($1) RETURNING token", token).Scan(&token)
			},
			"prepared": func(token int64) error { _, err := stmt.ExecContext(l.ctx(), token); return err },
			"commit": func(token int64) error {
				tx, err := l.db.BeginTx(l.ctx(), nil)
				l.must(err)
				defer tx.Rollback()
				_, err = tx.ExecContext(l.ctx(), "/* in a transaction */ INSERT INTO ledger (token) VALUES ($1)", token)
				l.must(err)
				return tx.Commit()
			},
		}
		lose := func(sql string) tap.Fault {
			if strings.HasPrefix(sql, "INSERT") || strings.EqualFold(sql, "COMMIT") {
				return tap.LoseReply
			}
			return tap.Forward
		}
		for kind, insert := range kinds {
			for repeat := range 20 {
				l.must(Fill(l.ctx(), l.db, 2))
				token := l.book.Token()
				before := l.scene.Tap.Broken()
				l.scene.Tap.SetPlan(lose)
				err := insert(token)
				l.scene.Tap.SetPlan(nil)
				l.book.Record(token, err)
				var lost *sqlpool.ConnLostError
				if !errors.As(err, &lost) || lost.SafeToRetry() {
					l.Errorf("%s %d: %v, want a lost connection and an unknown outcome", kind, repeat, err)
				}
				if n := l.scene.Tap.Broken() - before; n != 1 {
					l.Errorf("%s %d: the server was sent the INSERT %d times", kind, repeat, n)
				}
			}
		}
		seen, err := l.scene.Seen(l.ctx())
		l.must(err)
		if len(seen) != 20*len(kinds) {
			l.Errorf("%d rows, want one for each of %d", len(seen), 20*len(kinds))
		}
		l.audited()
		l.emptied()
	})
}

// What the test above would see without the pool: lib/pq behind database/sql
// writes the row twice and says nothing.
func TestWithoutThePoolALostReplyIsTwoRows(t *testing.T) {
	scene := newScene(t, pgserver.Options{}, throughTap)
	client := peer(t, scene, "database/sql", "libpq", MaxConns)
	if err := Fill(bounded(t), client.DB, 2); err != nil {
		t.Fatal(err)
	}
	lost := false
	scene.Tap.SetPlan(func(sql string) tap.Fault {
		if strings.HasPrefix(sql, "INSERT") && !lost {
			lost = true
			return tap.LoseReply
		}
		return tap.Forward
	})
	var book ledger.Book
	token := book.Token()
	book.Record(token, Insert(client.DB, 0)(bounded(t), token, 0))
	seen, err := scene.Seen(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	if a := book.Audit(seen); len(a.Doubled) != 1 || a.Acknowledged != 1 {
		t.Errorf("lib/pq has changed: %+v", a)
	}
}
