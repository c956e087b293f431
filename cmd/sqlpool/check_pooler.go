package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sqlpool/go/drivers/pgxv5"
)

const (
	poolerRounds = 8               // a busy pooler may give its server connections to others meanwhile
	poolerWait   = 2 * time.Second // one whose server connections are all taken lets us wait
)

// lookForPooler finds out what is between a driver and the server, by what two connections can see, the first of them
// open already:
//
//   - The process id that a server tells at login is that of its backend. A pooler makes one up, by which it recognises
//     requests to cancel.
//   - Two clients that are connected at once never have the same backend, unless a pooler gives it from one to the other
//     between transactions.
func lookForPooler(ctx context.Context, first *sql.Conn, db *sql.DB, dsn string) *poolerCheck {
	ctx, cancel := context.WithTimeout(ctx, 4*poolerWait)
	defer cancel()
	found := &poolerCheck{Mode: "unknown", Prepared: "unknown"}
	err := pgxv5.Raw(first, func(a *pgx.Conn) error {
		second, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = second.Close() }()
		return pgxv5.Raw(second, func(b *pgx.Conn) error { return found.look(ctx, &probe{a.PgConn()}, &probe{b.PgConn()}) })
	})
	if err != nil && found.How == "" {
		found.How = "not determined: " + err.Error()
	}
	switch {
	case !found.Present && err == nil:
		found.Mode, found.Prepared, found.How = "", "yes", "each connection has the backend that it was told at login, for itself"
	case found.Mode == "session":
		found.Prepared = "yes"
	}
	if found.Present {
		found.askConsole(ctx, dsn)
	}
	return found
}

// probe is one connection, spoken to in the simple protocol.
type probe struct{ *pgconn.PgConn }

// backend is the server process that the connection has now.
func (p *probe) backend(ctx context.Context) (string, error) {
	return p.say(ctx, "SELECT pg_catalog.pg_backend_pid()")
}

// say executes a statement, and returns the first value of its result if it has one.
func (p *probe) say(ctx context.Context, query string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, poolerWait)
	defer cancel()
	results, err := p.Exec(ctx, query).ReadAll()
	if err != nil || len(results) == 0 || len(results[0].Rows) == 0 {
		return "", err
	}
	return string(results[0].Rows[0][0]), nil
}

func (f *poolerCheck) look(ctx context.Context, a, b *probe) error {
	mine, err := a.backend(ctx)
	if err != nil {
		return err
	}
	if told := fmt.Sprint(a.PID()); told != mine {
		f.Present, f.How = true, fmt.Sprintf("at login the process id was %s, the backend's is %s", told, mine)
	}
	for range poolerRounds {
		if _, err := b.say(ctx, "BEGIN"); err != nil {
			if strings.Contains(err.Error(), "statement pooling") {
				f.Present, f.Mode, f.Prepared, f.How = true, "statement", "no", "it refuses transactions: "+err.Error()
				return nil
			}
			return f.waits(err)
		}
		others, err := b.backend(ctx)
		if err != nil {
			return f.waits(err)
		}
		if _, err := b.say(ctx, "ROLLBACK"); err != nil {
			return err
		}
		again, err := a.backend(ctx)
		if err != nil {
			return f.waits(err)
		}
		if others == mine || again != mine {
			f.Present, f.Mode = true, "transaction"
			f.How += "; two connections that are open at once were given the same backend"
			f.How = strings.TrimPrefix(f.How, "; ")
			return f.tryPrepared(ctx, a, b)
		}
	}
	if f.Present {
		f.Mode = "session"
		f.How += fmt.Sprintf("; each connection kept its backend in %d rounds", poolerRounds)
	}
	return nil
}

// waits is for a second connection that is given no backend while the first one, idle, has one.
func (f *poolerCheck) waits(err error) error {
	if f.Present && errors.Is(err, context.DeadlineExceeded) {
		f.How += fmt.Sprintf("; the mode is not known, because a second connection got no backend within %v", poolerWait)
	}
	return err
}

// tryPrepared prepares on one backend and executes on another: the one that has the statement is kept busy.
func (f *poolerCheck) tryPrepared(ctx context.Context, a, b *probe) error {
	name := "sqlpool_check_" + strings.ToLower(rand.Text()[:8])
	for range poolerRounds {
		prepared, err := a.prepare(ctx, name)
		if err != nil {
			return err
		}
		if _, err := b.say(ctx, "BEGIN"); err != nil {
			return err
		}
		held, err := b.backend(ctx)
		if err != nil {
			return err
		}
		if held == prepared {
			f.Prepared = "yes"
			if err := a.execute(ctx, name); err != nil {
				f.Prepared = "no"
			}
			if f.Prepared == "no" { // no other client knows it, so this one must remove it from that backend
				_, err = b.say(ctx, "DEALLOCATE "+name)
			}
		}
		if _, failed := b.say(ctx, "ROLLBACK"); failed != nil || f.Prepared != "unknown" {
			return errors.Join(err, failed)
		}
		name += "_"
	}
	return nil
}

// prepare prepares a statement in a transaction and returns the backend on which that was.
func (p *probe) prepare(ctx context.Context, name string) (backend string, err error) {
	if _, err := p.say(ctx, "BEGIN"); err != nil {
		return "", err
	}
	if backend, err = p.backend(ctx); err == nil {
		limited, cancel := context.WithTimeout(ctx, poolerWait)
		_, err = p.Prepare(limited, name, "SELECT 1", nil)
		cancel()
	}
	_, ended := p.say(ctx, "COMMIT")
	return backend, errors.Join(err, ended)
}

func (p *probe) execute(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, poolerWait)
	defer cancel()
	return p.ExecPrepared(ctx, name, nil, nil, nil).Read().Err
}
