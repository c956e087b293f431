package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"maps"
	"slices"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// The tools to make mutants with: each breaks one layer and leaves the others.

// configured changes the pool's configuration, last of all.
func configured(change func(*sqlpool.Config)) breaking {
	return func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			cfg := config(s)
			if cfg.ShutdownTimeout != 0 && cfg.Validate() == nil { // those are looked at by rules about configuration
				change(&cfg)
			}
			pool, err := sqlpool.New(cfg)
			if err != nil {
				return nil, err
			}
			return poolSubject(pool, sqlpool.OpenDB(pool)), nil
		}
	}
}

// below breaks the driver under the pool, but not the one that the pool is
// compared with.
func below(wrap func(driver.Conn) driver.Conn) breaking {
	return configured(func(cfg *sqlpool.Config) { cfg.Connector = wrapped{cfg.Connector, wrap} })
}

// above breaks the sessions that package sql gets.
func above(wrap func(*conn) driver.Conn) breaking {
	return func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			pool, err := sqlpool.New(config(s))
			if err != nil {
				return nil, err
			}
			db := sql.OpenDB(closing{wrapped{pool.Connector(), func(c driver.Conn) driver.Conn {
				return wrap(&conn{session: c.(session)})
			}}, pool})
			db.SetMaxIdleConns(128)
			return poolSubject(pool, db), nil
		}
	}
}

// connecting breaks how package sql gets its sessions.
func connecting(wrap func(*sqlpool.Pool) driver.Connector, keeps bool) breaking {
	return func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			pool, err := sqlpool.New(config(s))
			if err != nil {
				return nil, err
			}
			db := sql.OpenDB(closing{wrap(pool), pool})
			if db.SetMaxIdleConns(128); !keeps {
				db.SetMaxIdleConns(-1) // each call is a Connect
			}
			return poolSubject(pool, db), nil
		}
		if !keeps { // a *sql.Stmt ends with its only session, with or without a mutant
			lacks := map[Need]string{NeedPrepares: "each call has a session of its own"}
			maps.Copy(lacks, t.Lacks)
			t.Lacks = lacks
		}
	}
}

// connectFunc is a connector whose Connect is a function.
type connectFunc struct {
	driver.Connector
	connect func(ctx context.Context) (driver.Conn, error)
}

func (c connectFunc) Connect(ctx context.Context) (driver.Conn, error) { return c.connect(ctx) }

// hooked changes the hooks that a rule brings.
func hooked(change func(*sqlpool.Hooks)) breaking {
	return func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			hooks := slices.Clone(s.Hooks)
			for i := range hooks {
				change(&hooks[i])
			}
			s.Hooks = hooks
			return OpenPool(s)
		}
	}
}

// asking changes what the pool's own interface says.
func asking(wrap func(Pool) Pool) breaking {
	return func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			pool, err := sqlpool.New(config(s))
			if err != nil {
				return nil, err
			}
			return poolSubject(wrap(pool), sqlpool.OpenDB(pool)), nil
		}
	}
}

// where breaks only the databases that rules open with such settings: what a mutant of
// one rule does elsewhere would be seen by rules about other things.
func where(broken func(Settings) bool, with breaking) breaking {
	return func(db *fakedb.DB, t *Target) {
		with(db, t)
		open := t.Open
		t.Open = func(s Settings) (*Subject, error) {
			if broken(s) {
				return open(s)
			}
			return OpenPool(s)
		}
	}
}

type wrapped struct {
	driver.Connector
	wrap func(driver.Conn) driver.Conn
}

func (w wrapped) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := w.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return w.wrap(c), nil
}

// closing closes the pool with the *sql.DB, as the pool's own connector does.
type closing struct {
	driver.Connector
	pool *sqlpool.Pool
}

func (c closing) Close() error { return c.pool.Close() }

// session is every interface of a driver.Conn.
type session interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.NamedValueChecker
	driver.SessionResetter
	driver.Validator
	Raw() driver.Conn
}

// conn passes everything through; a mutant embeds it and overrides one method.
type conn struct{ session }

// breaking makes a mutant of a target.
type breaking = func(*fakedb.DB, *Target)
