//go:build unix

package outage

import (
	"testing"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// A restart that finds ten connections idle is not seen: fifty statements of
// every kind, one after the other, all served.
func TestARestartWithIdleConnectionsIsNotSeen(t *testing.T) {
	onEach(t, pgserver.Options{}, nil, sqlpool.Config{}, func(l *lab) {
		stmt, err := l.db.PrepareContext(l.ctx(), "INSERT INTO ledger (token, caller) VALUES ($1, 0)")
		l.must(err)
		defer stmt.Close()
		kinds := []func(token int64) error{
			func(token int64) error {
				_, err := l.db.ExecContext(l.ctx(), "INSERT INTO ledger (token) VALUES ($1)", token)
				return err
			},
			func(token int64) error {
				return l.db.QueryRowContext(l.ctx(), "INSERT INTO ledger (token) VALUES ($1) RETURNING token", token).Scan(&token)
			},
			func(token int64) error { _, err := stmt.ExecContext(l.ctx(), token); return err },
			func(token int64) error {
				tx, err := l.db.BeginTx(l.ctx(), nil)
				if err != nil {
					return err
				}
				defer tx.Rollback()
				if _, err := tx.StmtContext(l.ctx(), stmt).ExecContext(l.ctx(), token); err != nil {
					return err
				}
				return tx.Commit()
			},
		}
		for repeat := range 10 {
			l.fill()
			l.must(restart(l.ctx(), l.scene))
			for i := range 50 {
				token := l.book.Token()
				err := kinds[i%len(kinds)](token)
				l.book.Record(token, err)
				if err != nil {
					l.Errorf("restart %d, statement %d: %v", repeat, i, err)
				}
			}
		}
		l.audited()
		l.emptied()
	})
}

// kill -9 of every backend under load costs the statements on their way one
// error each, and the ones after them nothing.
func TestKilledBackendsCostWhatWasOnItsWay(t *testing.T) {
	const callers = 32
	onEach(t, pgserver.Options{}, nil, sqlpool.Config{MaxConns: callers}, func(l *lab) {
		l.fill()
		run := l.load(callers, 0, watchdog)
		l.steady(run, 5)
		broken := time.Now()
		l.must(l.scene.Server.KillAllBackends(l.ctx()))
		l.must(l.scene.Server.WaitReady(l.ctx()))
		accepted := run.Mark()
		l.steady(run, 20)
		tries := l.stop(run)
		f := l.figures(tries, broken, accepted, callers)
		// Each connection that died took one statement with it, at most: a
		// process needs a moment to die, and a statement that is sent to it
		// meanwhile is on its way like the others.
		if f.Errors > callers {
			l.Errorf("%d errors, there were %d connections", f.Errors, callers)
		}
		for _, try := range tries {
			if try.Err != nil && try.Begun.After(accepted) {
				l.Errorf("a statement begun %v after the server accepted again: %v", try.Begun.Sub(accepted), try.Err)
			}
		}
		l.audited()
		l.emptied()
	})
}
