package conformance

import (
	"database/sql/driver"
	"errors"
	"time"
)

// liveRules: the start, and settings of a live *sql.DB.
var liveRules = []Rule{
	{
		ID:     "ADM-06",
		Rule:   "Warm returns when MinIdle connections are open, or with the first dial's error",
		Why:    "a service would report ready and fail its first requests",
		Source: "this pool: Pool.Warm",
		needs:  []Need{NeedPool, NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 4, MinIdle: 2})
			x.must("Warm", s.Pool.Warm(x.ctx))
			if st := s.Pool.Stats(); st.Idle < 2 {
				x.errorf("Warm has returned and %d connections are idle", st.Idle)
			}
			p.failing(OpDial, func(int) error { return errDial })
			if err := x.open(Settings{MinIdle: 1}).Pool.Warm(x.ctx); !errors.Is(err, errDial) {
				x.errorf("Warm on a server that refuses says: %v", err)
			}
		},
	},
	{
		ID:     "ADM-07",
		Rule:   "whatever is set with SetMaxIdleConns and SetConnMaxLifetime, every caller is served and the limit holds",
		Why:    "most programs call them: a pool that this starves or opens up works only in examples",
		Source: "database/sql: DB.SetMaxIdleConns; this pool: a session is not a connection",
		check: func(x *trial) {
			p := x.probe()
			p.slow()
			const conns = 5
			s := x.open(Settings{MaxConns: conns})
			for _, idle := range []int{100, 2, 1, 0} {
				s.DB.SetMaxIdleConns(idle)
				s.DB.SetConnMaxLifetime(time.Duration(idle) * time.Millisecond)
				if served := x.crowd(s, 4*conns); !served {
					x.fatalf("with SetMaxIdleConns(%d) callers were left waiting", idle)
				}
			}
			if _, most := p.openNow(); most > conns {
				x.errorf("%d connections were open at once, and MaxConns is %d", most, conns)
			}
		},
	},
	{
		ID:     "ADM-08",
		Rule:   "whatever is set with SetMaxOpenConns, the pool's limit holds and driver.ErrBadConn reaches nobody",
		Why:    "it is the first line that people write after sql.Open",
		Source: "database/sql: DB.SetMaxOpenConns, retries",
		needs:  []Need{NeedPool, NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			p.slow()
			const conns = 8
			s := x.open(Settings{MaxConns: conns})
			stmt, err := s.DB.PrepareContext(x.ctx, x.target.Dialect.One)
			x.must("Prepare", err)
			defer stmt.Close()
			for _, open := range []int{1, 3, conns, 100, 0} {
				s.DB.SetMaxOpenConns(open)
				for range 3 * conns {
					x.spawn(func() {
						for range 4 {
							_, err := stmt.ExecContext(x.ctx)
							if errors.Is(err, driver.ErrBadConn) || err != nil {
								x.errorf("with SetMaxOpenConns(%d): %v", open, err)
							}
						}
					})
				}
				x.work.Wait()
			}
			if _, most := p.openNow(); most > conns {
				x.errorf("%d connections were open at once, and MaxConns is %d", most, conns)
			}
		},
	},
}

// crowd has that many callers at once, some with a statement and some with a
// transaction, and reports whether all were served before long.
func (x *trial) crowd(s *Subject, callers int) bool {
	ctx, cancel := x.brief()
	defer cancel()
	for i := range callers {
		x.spawn(func() {
			for range 4 {
				if i%2 == 0 {
					_, _ = s.DB.ExecContext(ctx, x.target.Dialect.One)
					continue
				}
				if tx, err := s.DB.BeginTx(ctx, nil); err == nil {
					_, _ = tx.ExecContext(ctx, x.target.Dialect.One)
					_ = tx.Commit()
				}
			}
		})
	}
	x.work.Wait()
	return ctx.Err() == nil
}
