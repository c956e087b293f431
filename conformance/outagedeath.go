package conformance

import (
	"sync"
	"time"
)

// deathRules: sessions that end while the server stays.
var deathRules = []Rule{
	{
		ID:     "OUT-01",
		Rule:   "connections that died while idle are found out before they are lent: no statement fails",
		Why:    "after every restart or failover each dead connection would be a user's error",
		Source: "this pool: liveness on acquire",
		needs:  []Need{NeedKill, NeedSession, NeedLife},
		check: func(x *trial) {
			const conns = 9
			s := x.open(Settings{MaxConns: conns})
			x.killIdle(s, conns)
			var failed list[error]
			query, args := x.target.Dialect.One, []any(nil)
			if echo := x.target.Dialect.Echo; echo != "" {
				query, args = echo, []any{"x"}
			}
			for range conns { // with its rows open, so that each has another connection
				rows, err := s.DB.QueryContext(x.ctx, query, args...)
				if err != nil {
					failed.add(err)
					continue
				}
				defer rows.Close()
			}
			if errs := failed.all(); len(errs) > 0 {
				x.errorf("of %d queries after %d idle sessions were ended, %d failed: %v", conns, conns, len(errs), errs[0])
			}
		},
	},
	{
		ID:     "OUT-02",
		Rule:   "a session that is ended in use is an error to its borrower, and is not lent again",
		Why:    "a statement that did nothing would look done, or the next borrower get the dead connection",
		Source: "database/sql/driver: Conn; this pool: release.go",
		needs:  []Need{NeedKill, NeedSession},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 13})
			conn := x.hold(s.DB)
			x.kill(x.session(conn))
			if _, err := conn.ExecContext(x.ctx, x.target.Dialect.One); err == nil {
				x.errorf("a statement on a session that has ended says that it succeeded")
			}
			_ = conn.Close()
			x.use("the next borrower's statement", s.DB)
		},
	},
}

// kill ends a session.
func (x *trial) kill(session string) {
	x.must("ending session "+session, x.target.Server.Kill(x.ctx, session))
	time.Sleep(soon) // the news travels
}

// killIdle opens connections, gives them back and ends their sessions.
func (x *trial) killIdle(s *Subject, n int) {
	conns := x.holdAll(s.DB, n)
	var sessions []string
	for _, c := range conns {
		sessions = append(sessions, x.session(c))
	}
	for _, c := range conns {
		x.must("giving a connection back", c.Close())
	}
	x.settle(s)
	var all sync.WaitGroup
	for _, id := range sessions {
		all.Go(func() {
			if err := x.target.Server.Kill(x.ctx, id); err != nil {
				x.errorf("ending session %s: %v", id, err)
			}
		})
	}
	all.Wait()
	time.Sleep(soon) // the news travels
}
