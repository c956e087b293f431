package sqlpool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// lives notes what hooks are told of each connection.
type lives struct {
	mu    sync.Mutex
	told  map[uint64][]string
	codes map[uint64]string
}

func (l *lives) note(c *sqlpool.ConnRef, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told == nil {
		l.told, l.codes = map[uint64][]string{}, map[uint64]string{}
	}
	l.told[c.ID()] = append(l.told[c.ID()], what)
}

func (l *lives) hooks() sqlpool.Hooks {
	return sqlpool.Hooks{
		OnOpen: func(e sqlpool.Opened) {
			if e.Conn != nil && e.Err == nil {
				l.note(e.Conn, "open")
			}
		},
		OnAcquire: func(e sqlpool.Acquired) { l.note(e.Conn, "acquire") },
		OnRelease: func(e sqlpool.Released) { l.note(e.Conn, "release") },
		OnClose: func(e sqlpool.Closed) {
			l.note(e.Conn, "close")
			l.mu.Lock()
			defer l.mu.Unlock()
			l.codes[e.Conn.ID()] = sqlpool.ReasonCode(e.Reason)
		},
	}
}

// code returns why a connection was closed.
func (l *lives) code(id uint64) string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.codes[id]
}

// check fails the test unless each life was told from its beginning to its end,
// every event once and in order.
func (l *lives) check(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, told := range l.told {
		inner := told
		if len(told) < 2 || told[0] != "open" || told[len(told)-1] != "close" {
			t.Errorf("the life of connection %d was told as %v", id, told)
			continue
		}
		for inner = told[1 : len(told)-1]; len(inner) >= 2 && inner[0] == "acquire" && inner[1] == "release"; {
			inner = inner[2:]
		}
		if len(inner) > 0 {
			t.Errorf("the life of connection %d was told as %v", id, told)
		}
	}
}

// onSession executes a statement as database/sql does, and leaves the pool open.
func onSession(p *sqlpool.Pool) error {
	db := sql.OpenDB(justConnector{p.Connector()})
	defer db.Close()
	_, err := db.Exec("INSERT t")
	return err
}

// justConnector hides that a connector can be closed.
type justConnector struct{ driver.Connector }

// TestALifeIsToldOnceHoweverItEnds: a gauge of open connections, or of loans, that
// counts the events must not drift.
func TestALifeIsToldOnceHoweverItEnds(t *testing.T) {
	boom := errors.New("boom")
	slowRelease := sqlpool.Hooks{AfterRelease: func(sqlpool.Releasing) error { time.Sleep(10 * time.Second); return nil }}
	for name, end := range map[string]struct {
		code string
		cfg  sqlpool.Config
		do   func(t *testing.T, p *sqlpool.Pool, server *fakedb.DB)
	}{
		"shutdown": {sqlpool.CodeShutdown, sqlpool.Config{}, func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) { must(t, acquire(t, p).Release()) }},
		"retired":  {sqlpool.CodeRetired, sqlpool.Config{}, func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) { must(t, acquire(t, p).Retire(nil)) }},
		"broken": {sqlpool.CodeBroken, sqlpool.Config{}, func(t *testing.T, p *sqlpool.Pool, server *fakedb.DB) {
			loan := acquire(t, p)
			server.KillAll()
			_ = loan.Conn().Ping(context.Background())
			must(t, loan.Release())
		}},
		"dead while idle": {sqlpool.CodeDead, sqlpool.Config{SweepInterval: time.Second}, func(t *testing.T, p *sqlpool.Pool, server *fakedb.DB) {
			must(t, acquire(t, p).Release())
			server.KillAll()
			time.Sleep(3 * time.Second)
		}},
		"recycled": {sqlpool.CodeRecycled, sqlpool.Config{}, func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) {
			must(t, acquire(t, p).Release())
			synctest.Wait()
			must(t, p.Recycle(context.Background(), 0))
		}},
		"resized": {sqlpool.CodeResized, sqlpool.Config{}, func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) {
			a, b := acquire(t, p), acquire(t, p)
			must(t, p.Resize(1, 0), a.Release(), b.Release(), p.Resize(2, 0))
		}},
		"taken back": {sqlpool.CodeForced, sqlpool.Config{}, func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) {
			loan := acquire(t, p)
			if !loan.Conn().Reclaim(loan.Conn().Loans()) {
				t.Error("not taken back")
			}
			_ = loan.Release()
		}},
		"cut at the shutdown": {sqlpool.CodeForced, sqlpool.Config{ShutdownTimeout: time.Second}, func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) {
			loan := acquire(t, p)
			if p.Close() == nil {
				t.Error("nothing was cut")
			}
			_ = loan.Release()
		}},
		"cut at the shutdown while it is given back": {sqlpool.CodeForced, sqlpool.Config{ShutdownTimeout: time.Second, Hooks: []sqlpool.Hooks{slowRelease}},
			func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) {
				go acquire(t, p).Release()
				synctest.Wait()
				if p.Close() == nil {
					t.Error("nothing was cut")
				}
			}},
		"taken back while it is given back": {sqlpool.CodeForced, sqlpool.Config{Hooks: []sqlpool.Hooks{slowRelease}},
			func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) {
				loan := acquire(t, p)
				c := loan.Conn()
				go loan.Release()
				synctest.Wait()
				if !c.Reclaim(c.Loans()) {
					t.Error("not taken back")
				}
			}},
		"given up while it is cleaned up": {sqlpool.CodeDirty, sqlpool.Config{RollbackTimeout: time.Second}, func(t *testing.T, p *sqlpool.Pool, server *fakedb.DB) {
			hang := server.On(fakedb.Exec, fakedb.Fault{Text: "ROLLBACK", Hang: fakedb.UntilReleased})
			loan := acquire(t, p)
			must(t, loan.Conn().Exec(context.Background(), "BEGIN"), loan.Release())
			time.Sleep(10 * time.Second)
			if s := p.Stats(); s.Open != 0 || s.CloseCount != 1 {
				t.Errorf("given up: %+v", s)
			}
			hang.Release()
		}},
		"a rollback that fails": {sqlpool.CodeDirty, sqlpool.Config{}, func(t *testing.T, p *sqlpool.Pool, server *fakedb.DB) {
			server.On(fakedb.Exec, fakedb.Fault{Text: "ROLLBACK", Err: boom})
			loan := acquire(t, p)
			must(t, loan.Conn().Exec(context.Background(), "BEGIN"), loan.Release())
		}},
		"refused at its release": {"", sqlpool.Config{Hooks: []sqlpool.Hooks{{AfterRelease: func(sqlpool.Releasing) error { return boom }}}},
			func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) { must(t, acquire(t, p).Release()) }},
		"refused at its second loan": {"", sqlpool.Config{Hooks: []sqlpool.Hooks{{BeforeAcquire: func(_ context.Context, c *sqlpool.Conn) error {
			if c.ID() == 1 && c.Loans() == 2 {
				return boom
			}
			return nil
		}}}}, func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) {
			must(t, acquire(t, p).Release(), acquire(t, p).Release())
		}},
		"refused while idle": {"", sqlpool.Config{Hooks: []sqlpool.Hooks{{WhileIdle: func(context.Context, sqlpool.IdleConn) error { return boom }}}},
			func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) {
				must(t, acquire(t, p).Release())
				time.Sleep(2 * time.Second)
			}},
		"a panic at its loan": {sqlpool.CodeHookPanic, sqlpool.Config{Hooks: []sqlpool.Hooks{{OnAcquire: func(sqlpool.Acquired) { panic(boom) }}}},
			func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) {
				if _, err := p.Acquire(context.Background()); !errors.Is(err, boom) {
					t.Error(err)
				}
			}},
		"a panic at its release": {sqlpool.CodeHookPanic, sqlpool.Config{Hooks: []sqlpool.Hooks{{OnRelease: func(sqlpool.Released) { panic(boom) }}}},
			func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) { must(t, acquire(t, p).Release()) }},
		"a panic at a statement's end": {sqlpool.CodeHookPanic, sqlpool.Config{Hooks: []sqlpool.Hooks{{
			OnStatement: func(context.Context, *sqlpool.Executing) func(sqlpool.Executed) {
				return func(sqlpool.Executed) { panic(boom) }
			},
		}}}, func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) { must(t, onSession(p)) }},
		"a goroutine that ends at a statement's beginning": {"", sqlpool.Config{Hooks: []sqlpool.Hooks{{
			OnStatement: func(context.Context, *sqlpool.Executing) func(sqlpool.Executed) { runtime.Goexit(); return nil },
		}}}, func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) { apart(func() { _ = onSession(p) }) }},
		"a goroutine that ends at a statement's end": {sqlpool.CodeHookPanic, sqlpool.Config{Hooks: []sqlpool.Hooks{{
			OnStatement: func(context.Context, *sqlpool.Executing) func(sqlpool.Executed) {
				return func(sqlpool.Executed) { runtime.Goexit() }
			},
		}}}, func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) { apart(func() { _ = onSession(p) }) }},
		"older than its lifetime": {recycle.CodeMaxLifetime, sqlpool.Config{Hooks: []sqlpool.Hooks{recycle.MaxLifetime(10*time.Second, 0)}},
			func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) {
				must(t, acquire(t, p).Release())
				time.Sleep(20 * time.Second)
			}},
		"older than its lifetime when its loan ends": {recycle.CodeMaxLifetime, sqlpool.Config{Hooks: []sqlpool.Hooks{recycle.MaxLifetime(10*time.Second, 0)}},
			func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) {
				loan := acquire(t, p)
				time.Sleep(20 * time.Second)
				must(t, loan.Release())
			}},
		"older than its lifetime, where MinIdle wants another": {recycle.CodeMaxLifetime,
			sqlpool.Config{MinIdle: 1, Hooks: []sqlpool.Hooks{recycle.MaxLifetime(10*time.Second, 0)}},
			func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) { time.Sleep(time.Minute) }},
		"idle for too long": {recycle.CodeMaxIdleTime, sqlpool.Config{Hooks: []sqlpool.Hooks{recycle.MaxIdleTime(5 * time.Second)}},
			func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) {
				must(t, acquire(t, p).Release())
				time.Sleep(20 * time.Second)
			}},
		"used up": {recycle.CodeMaxUses, sqlpool.Config{Hooks: []sqlpool.Hooks{recycle.MaxUses(1)}},
			func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) { must(t, onSession(p)) }},
		"an error that its program does not want": {recycle.CodeError,
			sqlpool.Config{Hooks: []sqlpool.Hooks{recycle.When(func(err error) bool { return strings.Contains(err.Error(), "boom") })}},
			func(t *testing.T, p *sqlpool.Pool, server *fakedb.DB) {
				server.On(fakedb.Exec, fakedb.Fault{Text: "INSERT t", Times: 1, Err: boom})
				if err := onSession(p); err == nil {
					t.Error("no error")
				}
			}},
		"found leaking and taken back": {sqlpool.CodeForced, sqlpool.Config{Hooks: []sqlpool.Hooks{leak.New(leak.Config{After: 5 * time.Second, Reclaim: true}).Hooks()}},
			func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) {
				loan := acquire(t, p)
				time.Sleep(20 * time.Second)
				if s := p.Stats(); s.InUse != 0 || s.CloseCount != 1 {
					t.Errorf("taken back: %+v", s)
				}
				_ = loan.Release()
			}},
		"found leaking and given back": {sqlpool.CodeShutdown, sqlpool.Config{Hooks: []sqlpool.Hooks{leak.New(leak.Config{After: 5 * time.Second}).Hooks()}},
			func(t *testing.T, p *sqlpool.Pool, _ *fakedb.DB) {
				loan := acquire(t, p)
				time.Sleep(20 * time.Second)
				must(t, loan.Release())
			}},
		"a reset that fails": {sqlpool.CodeDead, sqlpool.Config{}, func(t *testing.T, p *sqlpool.Pool, server *fakedb.DB) {
			must(t, acquire(t, p).Release())
			server.On(fakedb.ResetSession, fakedb.Fault{Times: 1, Err: boom})
			must(t, acquire(t, p).Release())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l lives
				server := fakedb.New()
				cfg := end.cfg
				cfg.MaxConns = 2
				cfg.Hooks = append(cfg.Hooks, l.hooks())
				p := labOn(t, server, fakedb.Full, cfg)
				end.do(t, p, server)
				time.Sleep(time.Minute)
				if !strings.HasPrefix(name, "cut at the shutdown") {
					must(t, p.Close())
				}
				synctest.Wait()
				l.check(t)
				if first, second := l.code(1), l.code(2); end.code != "" && first != end.code && second != end.code {
					t.Errorf("closed for %q and %q, not for %s", first, second, end.code)
				}
				s := p.Stats()
				if n := uint64(len(l.told)); s.DialCount-s.DialErrorCount != n || s.CloseCount != n {
					t.Errorf("hooks were told of %d connections, and the figures are %d dials and %d closes", n, s.DialCount, s.CloseCount)
				}
			})
		})
	}
}

// TestShutdownDoesNotSleepBesideACleanupThatWasGivenUp: the slot is free when the
// cleanup is given up, and the shutdown over when its goroutine is.
func TestShutdownDoesNotSleepBesideACleanupThatWasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{RollbackTimeout: time.Second, CloseTimeout: time.Second})
		hang := server.On(fakedb.Exec, fakedb.Fault{Text: "ROLLBACK", Hang: fakedb.UntilReleased})
		loan := acquire(t, p)
		must(t, loan.Conn().Exec(context.Background(), "BEGIN"), loan.Release())
		time.AfterFunc(5*time.Second, hang.Release)
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		if err := p.Shutdown(ctx); err != nil || time.Since(start) > 10*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// TestAKeepaliveThatFailsRetires on drivers that can look at their socket and on
// those that cannot.
func TestAKeepaliveThatFailsRetires(t *testing.T) {
	for name, shape := range map[string]fakedb.Shape{"full": fakedb.Full, "no Alive": fakedb.NoAlive, "std": fakedb.Std} {
		for how, fault := range map[string]fakedb.Fault{
			"refuses": {Err: errors.New("no")}, "is silent": {Hang: fakedb.UntilDone}, "is deaf": {Hang: fakedb.UntilAbort},
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var l lives
					server := fakedb.New()
					alive := sqlpool.Hooks{WhileIdle: func(_ context.Context, c sqlpool.IdleConn) error { c.KeepAlive(); return nil }}
					p := labOn(t, server, shape, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{alive, l.hooks()}})
					must(t, acquire(t, p).Release())
					time.Sleep(3 * time.Second)
					if s := p.Stats(); s.Idle != 1 || server.Counts().Pings == 0 {
						t.Fatalf("a ping that succeeds: %+v", s)
					}
					rule := server.On(fakedb.Ping, fault)
					time.Sleep(5 * time.Second)
					if code := l.code(1); code != sqlpool.CodeDead {
						t.Errorf("closed for %q: %+v", code, p.Stats())
					}
					if s := p.Stats(); s.Open > s.Dialing { // whatever holds the driver up
						t.Errorf("the slot is not free: %+v", s)
					}
					rule.Remove()
					rule.Release()
				})
			})
		}
	}
}

// TestRecycleDialsNothingForWhatIsClosingAlready: its slot is on the way back, and a
// replacement for it is not wanted.
func TestRecycleDialsNothingForWhatIsClosingAlready(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server, _ := recycling(t, 2, sqlpool.Config{MaxConns: 8, CloseTimeout: time.Minute})
		server.On(fakedb.Close, fakedb.Fault{Delay: 20 * time.Second})
		loans := []sqlpool.Loan{acquire(t, p), acquire(t, p)}
		dialed := server.Counts().ConnectsTried
		done := make(chan error, 1)
		go func() { done <- p.Recycle(context.Background(), 10*time.Second) }()
		synctest.Wait()
		must(t, loans[0].Retire(nil), loans[1].Retire(nil)) // after Recycle has seen them, before it comes to them
		must(t, <-done)
		if n := server.Counts().ConnectsTried - dialed; n != 0 {
			t.Errorf("%d dials for connections that were on their way out", n)
		}
	})
}

// TestAHookThatFailsBesideACallerIsSeen: by the caller where there is one, in
// LastError where there is none.
func TestAHookThatFailsBesideACallerIsSeen(t *testing.T) {
	boom := errors.New("boom")
	for how, fail := range map[string]func(){"panics": func() { panic(boom) }, "ends its goroutine": runtime.Goexit} {
		seen := func(t *testing.T, p *sqlpool.Pool, moment string) {
			t.Helper()
			synctest.Wait()
			if last := p.Stats().LastError; !strings.Contains(last, moment) || how == "panics" && !strings.Contains(last, "boom") {
				t.Errorf("%s %s, and the last error is %q", moment, how, last)
			}
		}
		t.Run("OnRelease at a reclaim "+how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := lab(t, sqlpool.Config{Hooks: []sqlpool.Hooks{{OnRelease: func(sqlpool.Released) { fail() }}}})
				loan := acquire(t, p)
				loan.Conn().Reclaim(loan.Conn().Loans())
				seen(t, p, "OnRelease")
				_ = loan.Release()
			})
		})
		t.Run("OnRelease at a forced shutdown "+how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := lab(t, sqlpool.Config{ShutdownTimeout: time.Second, Hooks: []sqlpool.Hooks{{OnRelease: func(sqlpool.Released) { fail() }}}})
				loan := acquire(t, p)
				_ = p.Close()
				seen(t, p, "OnRelease")
				_ = loan.Release()
			})
		})
		for _, moment := range []string{"OnClose", "OnSweep"} {
			t.Run(moment+" "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					once := sync.OnceFunc(func() { fail() })
					h := sqlpool.Hooks{OnSweep: func(*sqlpool.Pool) { once() }}
					if moment == "OnClose" {
						h = sqlpool.Hooks{OnClose: func(sqlpool.Closed) { once() }}
					}
					p, _ := lab(t, sqlpool.Config{Hooks: []sqlpool.Hooks{h}})
					must(t, acquire(t, p).Retire(nil))
					time.Sleep(2 * time.Second)
					seen(t, p, moment)
				})
			})
		}
	}
	// On the way to a caller of database/sql, by each of its ways.
	for _, moment := range []string{"OnAcquire", "BeforeAcquire", "OnStatement"} {
		for _, m := range methodsOf["nothing held"] {
			if moment == "OnStatement" && strings.HasPrefix(m.name, "Pool.") {
				continue // no statement
			}
			if m.name == "Pool.TryAcquire" {
				continue // an idle connection that is refused is closed, and then none is idle
			}
			t.Run(fmt.Sprintf("%s panics in %s", moment, m.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var on bool
					cause := func() {
						if on {
							panic(boom)
						}
					}
					h := sqlpool.Hooks{OnAcquire: func(sqlpool.Acquired) { cause() }}
					switch moment {
					case "BeforeAcquire":
						h = sqlpool.Hooks{BeforeAcquire: func(context.Context, *sqlpool.Conn) error { cause(); return nil }}
					case "OnStatement":
						h = sqlpool.Hooks{OnStatement: func(context.Context, *sqlpool.Executing) func(sqlpool.Executed) { cause(); return nil }}
					}
					db, p, _ := newDBOn(t, fakedb.New(), fakedb.Full, sqlpool.Config{MaxConns: 1, Hooks: []sqlpool.Hooks{h}})
					stmt, err := db.Prepare("SELECT 1")
					must(t, err)
					on = true
					var panicked *sqlpool.HookPanic
					err = m.call(context.Background(), &scene{db: db, pool: p, stmt: stmt})
					if !errors.As(err, &panicked) || panicked.Moment != moment || !errors.Is(err, boom) {
						t.Errorf("the caller is told %v", err)
					}
					on = false
					must(t, m.call(context.Background(), &scene{db: db, pool: p, stmt: stmt}))
				})
			})
		}
	}
}
