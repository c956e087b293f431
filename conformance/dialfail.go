package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// dialFailureRules: dials that fail, last too long or panic.
var dialFailureRules = []Rule{
	{
		ID:     "DIAL-08",
		Rule:   "a dial that fails strands nobody: who waits is served by the next",
		Why:    "one refused connection during a failover would be an error, or a hang until the timeout",
		Source: "this pool: a failed dial is tried again while acquires wait",
		check: func(x *trial) {
			s, p := x.open3()
			p.failFirst(1, OpDial, errDial)
			first, second := x.call(x.ctx, s.DB), x.call(x.ctx, s.DB)
			x.mustServe("a caller while one dial fails", first)
			x.mustServe("another", second)
		},
	},
	{
		ID:     "DIAL-09",
		Rule:   "a caller's deadline holds while its connection is being dialed",
		Why:    "a request of 100 ms would take as long as the network likes",
		Source: "this pool: one deadline covers waiting, validating and dialing",
		check: func(x *trial) {
			x.probe().gate(OpDial)
			s := x.open(Settings{})
			ctx, cancel := context.WithTimeout(x.ctx, soon)
			defer cancel()
			start := time.Now()
			_, err := s.DB.ExecContext(ctx, x.target.Dialect.One)
			if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > x.atOnce() {
				x.errorf("with a deadline in %v it took %v and said: %v", soon, took, err)
			}
		},
	},
	{
		ID:     "DIAL-10",
		Rule:   "a connector that panics is an error that names the panic, and the pool goes on",
		Why:    "a bug in a password callback would end the process",
		Source: "this pool: connect.go",
		needs:  []Need{NeedPool, NeedProbe},
		check: func(x *trial) {
			s, p := x.open3()
			p.failing(OpDial, func(int) error { panic("conformance: boom") })
			ctx, cancel := context.WithTimeout(x.ctx, x.atOnce()/2)
			defer cancel()
			_, err := s.DB.ExecContext(ctx, x.target.Dialect.One)
			if err == nil || !strings.Contains(err.Error(), "conformance: boom") {
				x.errorf("the caller was told: %v", err)
			}
			p.intercept(nil)
			x.mustServe("the next caller", x.call(x.ctx, s.DB))
		},
	},
	{
		ID:     "DIAL-11",
		Rule:   "a connection that comes after its dial was given up is closed",
		Why:    "each would stay on the server, outside every limit",
		Source: "this pool: connect.go",
		needs:  []Need{NeedPool, NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			late := make(chan struct{})
			p.failing(OpDial, func(n int) error {
				if n > 1 {
					return errDial
				}
				return nil
			})
			p.afterwards(func(_ context.Context, c Call, err error) error {
				if c.Op == OpDial && err == nil {
					select {
					case <-late:
					case <-p.loose:
					}
				}
				return err
			})
			s := x.open(Settings{Adjust: func(c *sqlpool.Config) { c.ConnectTimeout, c.CloseTimeout = x.atOnce()/4, soon }})
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			close(late)
			if err == nil {
				x.errorf("a dial that was given up served a caller")
			}
			x.until("the late connection has come and gone", func() bool {
				now, _ := p.openNow()
				return p.opened() == 1 && now == 0
			})
		},
	},
	{
		ID:     "DIAL-12",
		Rule:   "one call goes through a handful of connections at most when each of them dies at its first statement",
		Why:    "a pooler whose server is down takes every login: each call would dial thousands of times",
		Source: "database/sql: three tries; this pool: a connection that dies at its first statement is a failed dial",
		needs:  []Need{NeedProbe},
		check: func(x *trial) {
			const handful = 8 // what the call dials, and what the pool does to look for its server
			p := x.probe()
			p.intercept(func(_ context.Context, c Call) error {
				switch c.Op {
				case OpExec, OpQuery, OpPrepare, OpBegin, OpPing:
					return driver.ErrBadConn
				}
				return nil
			})
			one := x.target.Dialect.One
			for what, call := range map[string]func(*sql.DB) error{
				"Exec": func(db *sql.DB) error { _, err := db.ExecContext(x.ctx, one); return err },
				"Ping": func(db *sql.DB) error { return db.PingContext(x.ctx) },
				"Prepare": func(db *sql.DB) error {
					stmt, err := db.PrepareContext(x.ctx, one)
					if err != nil {
						return err
					}
					defer stmt.Close()
					_, err = stmt.ExecContext(x.ctx)
					return err
				},
				"Begin": func(db *sql.DB) error {
					tx, err := db.BeginTx(x.ctx, nil)
					if err != nil {
						return err
					}
					defer tx.Rollback()
					_, err = tx.ExecContext(x.ctx, one)
					return err
				},
			} {
				db, before := x.open(Settings{MaxConns: 17}).DB, p.count(OpDial)
				err := call(db)
				if n := p.count(OpDial) - before; n > handful || err == nil && what != "Ping" { // that Ping asks the driver is another rule's subject
					x.errorf("%s dialed %d times, and says %v", what, n, err)
				}
			}
		},
	},
}
