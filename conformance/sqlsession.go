package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// sessionRules: *sql.Conn and *sql.DB.
var sessionRules = []Rule{
	{
		ID:     "SQL-23",
		Rule:   "a sql.Conn is one session of the server for all of its life, whoever else is busy",
		Why:    "temporary tables, advisory locks and SET are the session's",
		Source: "database/sql: Conn",
		needs:  []Need{NeedSession},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 3})
			conn := x.hold(s.DB)
			first := x.session(conn)
			for range 4 {
				x.spawn(func() {
					for range 20 {
						_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
						x.must("a statement beside it", err)
					}
				})
			}
			for i := range 20 {
				if now := x.session(conn); now != first {
					x.fatalf("it began on session %s, and statement %d was on %s", first, i+2, now)
				}
			}
		},
	},
	{
		ID:     "SQL-24",
		Rule:   "sql.Conn.Raw leads to the driver's own connection, through a method Raw",
		Why:    "COPY, LISTEN and whatever else only the driver can do",
		Source: "database/sql: Conn.Raw; this pool: the migration guide",
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				conn, err := db.Conn(x.ctx)
				x.must("Conn", err)
				defer conn.Close()
				r.err("Raw", conn.Raw(func(c any) error {
					for range 8 { // a connection may return itself
						if w, ok := c.(interface{ Raw() driver.Conn }); ok {
							c = w.Raw()
						}
					}
					r.note("Raw leads to a %T", c)
					return nil
				}))
			})
		},
	},
	{
		ID:     "SQL-25",
		Rule:   "a connection whose Raw returns driver.ErrBadConn or panics is not lent again, and no other error costs it",
		Why:    "it is how an application says that it has broken a connection",
		Source: "database/sql: Conn.Raw",
		needs:  []Need{NeedSession},
		check: func(x *trial) {
			db := x.open(Settings{MaxConns: 1}).DB
			for _, how := range []struct {
				what string
				f    func(any) error
				goes bool
			}{
				{"returns driver.ErrBadConn", func(any) error { return driver.ErrBadConn }, true},
				{"panics", func(any) error { panic("conformance: in Raw") }, true},
				{"returns another error", func(any) error { return errors.New("of the application") }, false},
				{"returns nil", func(any) error { return nil }, false},
			} {
				conn := x.hold(db)
				before := x.session(conn)
				func() {
					defer func() { _ = recover() }()
					_ = conn.Raw(how.f)
				}()
				_ = conn.Close()
				if after := x.session(db); (after != before) != how.goes {
					x.errorf("Raw %s on session %s, and the next borrower has session %s", how.what, before, after)
				}
			}
		},
	},
	{
		ID:     "SQL-26",
		Rule:   "Ping asks the driver, says what it says, and heeds its context",
		Why:    "readiness checks are built on it",
		Source: "database/sql/driver: Pinger",
		needs:  []Need{NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			conn := x.hold(x.open(Settings{MaxConns: 1}).DB)
			before := p.count(OpPing)
			x.must("Ping", conn.PingContext(x.ctx))
			if p.count(OpPing) == before {
				x.errorf("a Ping did not reach the driver")
			}
			ended, cancel := context.WithCancel(x.ctx)
			cancel()
			if err := conn.PingContext(ended); !errors.Is(err, context.Canceled) {
				x.errorf("Ping under a cancelled context: %v", err)
			}
			unwell := errors.New("conformance: unwell")
			p.intercept(func(_ context.Context, c Call) error {
				if c.Op == OpPing {
					return unwell
				}
				return nil
			})
			if err := conn.PingContext(x.ctx); !errors.Is(err, unwell) {
				x.errorf("the driver's Ping failed, and the pool's says %v", err)
			}
		},
	},
	{
		ID:     "SQL-27",
		Rule:   "DB.Driver is the driver's own",
		Why:    "ORMs choose their dialect by its type",
		Source: "database/sql: DB.Driver",
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) { r.note("Driver is a %T", db.Driver()) })
		},
	},
}
