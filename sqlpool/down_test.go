package sqlpool_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// Every refusal that a server, a pooler or the machine may have for a new
// connection while those that are open work.
var refusals = map[string]error{
	"53300":               &fakedb.Error{Code: "53300", Msg: "too many connections for role \"app\""},
	"max_client_conn":     &fakedb.Error{Code: "08P01", Msg: "no more connections allowed (max_client_conn)"},
	"a rotated password":  &fakedb.Error{Code: "28P01", Msg: "password authentication failed for user \"app\""},
	"nothing listens":     syscall.ECONNREFUSED,
	"no file descriptors": syscall.EMFILE,
	"the end of the file": io.ErrUnexpectedEOF,
}

// serve has that many callers use the pool for d, each in a loop of statements of
// 20 ms, and returns how many were served and the errors of the others.
func serve(t *testing.T, p *sqlpool.Pool, callers int, d time.Duration) (served int, failed []error) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for end := time.Now().Add(d); callers > 0; callers-- {
		wg.Go(func() {
			for time.Now().Before(end) {
				loan, err := p.Acquire(t.Context())
				if err == nil {
					time.Sleep(20 * time.Millisecond)
					err = errors.Join(loan.Conn().Exec(t.Context(), "INSERT t"), loan.Release())
				} else {
					time.Sleep(10 * time.Millisecond)
				}
				mu.Lock()
				if err == nil {
					served++
				} else {
					failed = append(failed, err)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return served, failed
}

// partly returns a pool of 10 with 5 connections that work; every further dial is
// refused.
func partly(t *testing.T, refusal error, cfg sqlpool.Config) (*sqlpool.Pool, *fakedb.DB) {
	t.Helper()
	server := fakedb.New()
	cfg.MaxConns = 10
	p := filled(t, server, fakedb.Full, cfg, 5)
	server.On(fakedb.Connect, fakedb.Fault{Err: refusal})
	return p, server
}

func TestCallersAreServedByTheConnectionsThatWorkWhateverDialsSay(t *testing.T) {
	for name, refusal := range refusals {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, server := partly(t, refusal, sqlpool.Config{})
				// 5 connections and 20 ms: 250 a second.
				if served, failed := serve(t, p, 20, time.Minute); served < 60*250*98/100 || len(failed) > 0 {
					t.Errorf("%d of 15,000 served; %d failed, for example %v", served, len(failed), errors.Join(failed[:min(1, len(failed))]...))
				}
				if s, c := p.Stats(), server.Counts(); s.State != sqlpool.StateRetrying || c.ConnectsTried > 5+90 {
					t.Errorf("%d dials: %+v", c.ConnectsTried, s)
				}
			})
		})
	}
}

// Bursts with quiet in between, one of them longer than FailFastAfter: it is the
// idle connections that prove then that the database is there.
func TestAfterAQuietMomentABurstIsServedByTheConnectionsThatWork(t *testing.T) {
	for name, refusal := range refusals {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, server := partly(t, refusal, sqlpool.Config{})
				for _, quiet := range []time.Duration{0, 1500 * time.Millisecond, time.Minute, 11 * time.Second, 0} {
					time.Sleep(quiet)
					var waiting []<-chan asked
					for range 20 {
						waiting = append(waiting, queue(t.Context(), p))
					}
					for _, w := range waiting {
						a := <-w
						if a.err != nil {
							t.Fatalf("after %v of quiet: %v", quiet, a.err)
						}
						time.Sleep(20 * time.Millisecond)
						must(t, a.loan.Conn().Exec(t.Context(), "INSERT t"), a.loan.Release())
					}
				}
				if c := server.Counts(); c.Pings > 5*8 {
					t.Errorf("%d pings in 75 s of quiet", c.Pings)
				}
			})
		})
	}
}

// All connections are lent and die there, and dials fail: nothing proves anything.
func TestConnectionsThatProveNothingDoNotKeepTheCircuitClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := partly(t, syscall.ECONNREFUSED, sqlpool.Config{})
		var loans []sqlpool.Loan
		for range 5 {
			loans = append(loans, acquire(t, p))
		}
		a := <-queue(t.Context(), p)
		if refused(t, a.err, sqlpool.ErrUnavailable); a.took != 10*time.Second {
			t.Errorf("refused after %v", a.took)
		}
		if b := <-queue(t.Context(), p); b.took != 0 {
			t.Errorf("the next one after %v", b.took)
		}
		// One of them works after all.
		must(t, loans[0].Conn().Exec(t.Context(), "INSERT t"))
		_ = loans[0].Release()
		if s := p.Stats(); s.State != sqlpool.StateRetrying {
			t.Errorf("state %v after a loan that ended well", s.State)
		}
		_ = acquire(t, p).Release()
		for _, l := range loans[1:] {
			_ = l.Release()
		}
		server.Clear()
		time.Sleep(time.Second)
	})
}

// The idle ones are silent: they are asked before the circuit opens, and then it
// does.
func TestIdleConnectionsThatDoNotAnswerLetTheCircuitOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := partly(t, syscall.ECONNREFUSED, sqlpool.Config{})
		var loans []sqlpool.Loan
		for range 5 {
			loans = append(loans, acquire(t, p))
		}
		sixth := queue(t.Context(), p)
		for _, l := range loans {
			_ = l.Release()
		}
		_ = (<-sixth).loan.Release()
		swallow(server, 5)
		time.Sleep(time.Minute)
		if s := p.Stats(); s.State != sqlpool.StateDown || s.Idle != 0 {
			t.Errorf("%+v", s)
		}
		server.Clear()
		p.ProbeSoon()
		time.Sleep(time.Second)
		if s := p.Stats(); s.State != sqlpool.StateUp {
			t.Errorf("%+v", s)
		}
	})
}

// dying is a server that takes logins and ends each connection at its first
// statement.
func dying(server *fakedb.DB, code string) *fakedb.Rule {
	return server.Script(func(c fakedb.Call) fakedb.Fault {
		switch c.Point {
		case fakedb.Exec, fakedb.Query, fakedb.Ping, fakedb.BeginTx, fakedb.Prepare:
			if code == "" {
				return fakedb.Fault{Err: io.ErrUnexpectedEOF, Kill: true}
			}
			return fakedb.Fault{Err: &fakedb.Error{Code: code, Msg: "server login has been failing, try again later (server_login_retry)"}, Kill: true}
		}
		return fakedb.Fault{}
	})
}

func TestOneCallGoesThroughAHandfulOfDials(t *testing.T) {
	for name, call := range map[string]func(*sql.DB) error{
		"ping":    func(db *sql.DB) error { return db.Ping() },
		"begin":   func(db *sql.DB) error { _, err := db.Begin(); return err },
		"prepare": func(db *sql.DB) error { _, err := db.Prepare("SELECT 1"); return err },
		"exec":    func(db *sql.DB) error { _, err := db.Exec("SELECT 1"); return err },
	} {
		for _, code := range []string{"", "08P01", "57P01"} {
			for shape, of := range shapes {
				t.Run(name+" "+code+" "+shape, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						db, p, server := newDBOn(t, fakedb.New(), of, sqlpool.Config{})
						dying(server, code)
						start := time.Now()
						answers := name == "ping" && (shape == "Minimal" || shape == "Legacy") // no driver.Pinger
						if err := call(db); err == nil && !answers {
							t.Error("no error")
						}
						if c := server.Counts(); c.ConnectsTried > 5 || time.Since(start) > time.Second {
							t.Errorf("%d dials in %v", c.ConnectsTried, time.Since(start))
						}
						if s := p.Stats(); shape == "Full" && s.State == sqlpool.StateUp {
							t.Errorf("%+v", s)
						}
					})
				})
			}
		}
	}
}

// A failover behind a pooler: five callers with transactions, for half a minute.
func TestAPoolerWhoseServerIsDownIsAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told states
		db, p, server := newDBOn(t, fakedb.New(), fakedb.Full, sqlpool.Config{Hooks: []sqlpool.Hooks{told.hook()}})
		must(t, db.Ping())
		down := dying(server, "08P01")
		calls, end := 0, time.Now().Add(30*time.Second)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				for time.Now().Before(end) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					tx, err := db.BeginTx(ctx, nil)
					if err == nil {
						_ = tx.Rollback()
						t.Error("a transaction began")
					}
					cancel()
					mu.Lock()
					calls++
					mu.Unlock()
					time.Sleep(20 * time.Millisecond)
				}
			})
		}
		time.Sleep(3 * time.Second)
		if s, c := p.Stats(), server.Counts(); c.ConnectsTried > 70 || s.State != sqlpool.StateRetrying {
			t.Errorf("after 3 s: %d dials, state %v", c.ConnectsTried, s.State)
		}
		wg.Wait()
		if s, c := p.Stats(), server.Counts(); c.ConnectsTried > 210 || s.State != sqlpool.StateDown {
			t.Errorf("after 30 s: %d dials for %d calls, state %v", c.ConnectsTried, calls, s.State)
		}
		down.Remove()
		_ = db.Ping() // refused: the circuit is open
		time.Sleep(time.Second)
		must(t, db.Ping())
		told.want(t, sqlpool.StateUp, sqlpool.StateRetrying, sqlpool.StateDown, sqlpool.StateUp)
	})
}

// The retries of a call share one AcquireTimeout.
func TestARetryDoesNotOutliveAcquireTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, _, server := newDBOn(t, fakedb.New(), fakedb.Full, sqlpool.Config{AcquireTimeout: 3 * time.Second})
		must(t, db.Ping())
		dying(server, "")
		start := time.Now()
		_, err := db.Begin()
		refused(t, err, sqlpool.ErrAcquireTimeout)
		if took := time.Since(start); took.Round(time.Millisecond) != 3*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// One connection that dies at its first statement is no reason to keep callers
// waiting: the next dial is made at once.
func TestASingleConnectionThatDiesDelaysNoCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDBOn(t, fakedb.New(), fakedb.Full, sqlpool.Config{})
		server.On(fakedb.Exec, fakedb.Fault{Times: 1, Kill: true, Err: io.ErrUnexpectedEOF, Stage: fakedb.AfterEffect})
		start := time.Now()
		if _, err := db.Exec("INSERT t"); !errors.Is(err, sqlpool.ErrConnLost) {
			t.Fatalf("got %v", err)
		}
		_, err := db.Exec("INSERT t")
		must(t, err)
		if took := time.Since(start); took != 0 || p.Stats().State != sqlpool.StateUp {
			t.Errorf("served after %v, state %v", took, p.Stats().State)
		}
	})
}

// With 100 idle connections on a network that swallows everything, the pool knows
// within one PingTimeout of the first ping, and its sweeps go on.
func TestManySilentConnectionsAreKnownAtOnce(t *testing.T) {
	for name, hook := range map[string]func(context.Context, sqlpool.IdleConn) error{
		"side by side":            func(_ context.Context, c sqlpool.IdleConn) error { c.KeepAlive(); return nil },
		"one silent one suspects": func(ctx context.Context, c sqlpool.IdleConn) error { return c.Ping(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var sweeps []time.Time
				p, server := lab(t, sqlpool.Config{MaxConns: 100, MinIdle: 100, Hooks: []sqlpool.Hooks{{
					WhileIdle: hook,
					OnSweep: func(*sqlpool.Pool) {
						mu.Lock()
						defer mu.Unlock()
						sweeps = append(sweeps, time.Now())
					},
				}}})
				must(t, p.Warm(t.Context()))
				time.Sleep(500 * time.Millisecond)
				server.Script(func(c fakedb.Call) fakedb.Fault {
					switch c.Point {
					case fakedb.Ping, fakedb.Connect:
						return fakedb.Fault{Hang: fakedb.UntilDone}
					case fakedb.Close:
						return fakedb.Fault{Hang: fakedb.UntilAbort}
					}
					return fakedb.Fault{}
				})
				time.Sleep(time.Second + 2*sqlpool.DefaultPingTimeout) // a sweep, and two timeouts at most
				synctest.Wait()
				if s := p.Stats(); s.Idle != 0 || s.State != sqlpool.StateRetrying {
					t.Errorf("%+v", s)
				}
				time.Sleep(time.Minute)
				mu.Lock()
				for i := 1; i < len(sweeps); i++ {
					if d := sweeps[i].Sub(sweeps[i-1]); d > 2*sqlpool.DefaultSweepInterval {
						t.Errorf("no sweep for %v", d)
					}
				}
				mu.Unlock()
				server.Clear()
				time.Sleep(20 * time.Second)
			})
		})
	}
}

// With nothing idle left and no caller, a dial has to find out that the network is
// back.
func TestALonelyPoolFindsOutByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hook := sqlpool.Hooks{WhileIdle: func(_ context.Context, c sqlpool.IdleConn) error { c.KeepAlive(); return nil }}
		server := fakedb.New()
		p := filled(t, server, fakedb.Full, sqlpool.Config{Hooks: []sqlpool.Hooks{hook}}, 3)
		dark := server.Script(func(c fakedb.Call) fakedb.Fault {
			if c.Point == fakedb.Ping || c.Point == fakedb.Connect {
				return fakedb.Fault{Hang: fakedb.UntilDone}
			}
			return fakedb.Fault{}
		})
		time.Sleep(2100 * time.Millisecond)
		if s := p.Stats(); s.State != sqlpool.StateRetrying {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Minute)
		if s := p.Stats(); s.State != sqlpool.StateDown {
			t.Errorf("%+v", s)
		}
		dark.Remove()
		dark.Release()
		for range 2 { // each second, as a policy that keeps callers away does
			p.ProbeSoon()
			time.Sleep(time.Second)
		}
		if s := p.Stats(); s.State != sqlpool.StateUp || s.Idle == 0 { // two, when the probe and the dial that overtook it both succeed
			t.Errorf("%+v", s)
		}
	})
}

func TestAHookMayRefuseTheCallerAndKeepTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type tenant struct{}
		unknown := errors.New("no such tenant")
		hook := sqlpool.Hooks{BeforeAcquire: func(ctx context.Context, c *sqlpool.Conn) error {
			if ctx.Value(tenant{}) == "unknown" {
				return &sqlpool.CallerRefused{Err: unknown}
			}
			return nil
		}}
		server := fakedb.New()
		p := filled(t, server, fakedb.Full, sqlpool.Config{Hooks: []sqlpool.Hooks{hook}}, 5)
		bad := context.WithValue(t.Context(), tenant{}, "unknown")
		for range 11 {
			_, err := p.Acquire(bad)
			if e := refused(t, err, nil); !errors.Is(err, unknown) || e.Phase != sqlpool.PhaseValidating {
				t.Errorf("got %v", err)
			}
		}
		if s, c := p.Stats(), server.Counts(); s.Idle != 5 || c.Connects != 5 || s.AcquireCount != 5 {
			t.Errorf("%d dials: %+v", c.Connects, s)
		}
		// The connection goes to the caller behind the one that is refused.
		var held []sqlpool.Loan
		for range 10 {
			held = append(held, acquire(t, p))
		}
		first, second := queue(bad, p), queue(t.Context(), p)
		_ = held[0].Release()
		if a := <-first; !errors.Is(a.err, unknown) {
			t.Errorf("got %v", a.err)
		}
		a := <-second
		must(t, a.err)
		_ = a.loan.Release()
		for _, l := range held[1:] {
			_ = l.Release()
		}
		if c := server.Counts(); c.Connects != 10 {
			t.Errorf("%d dials", c.Connects)
		}
	})
}

// A loan that executed nothing, or whose statement the server did not answer, proves
// nothing: with a network that swallows everything it must not keep the circuit
// closed.
func TestALoanThatWasNotAnsweredProvesNothing(t *testing.T) {
	for name, use := range map[string]func(*sql.DB, *sqlpool.Pool){
		"an empty loan": func(_ *sql.DB, p *sqlpool.Pool) {
			if loan, err := p.Acquire(context.Background()); err == nil {
				_ = loan.Release()
			}
		},
		"a session that executes nothing": func(db *sql.DB, _ *sqlpool.Pool) {
			if conn, err := db.Conn(context.Background()); err == nil {
				_ = conn.Close()
			}
		},
		"a transaction that executes nothing": func(db *sql.DB, _ *sqlpool.Pool) {
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			if tx, err := db.BeginTx(ctx, nil); err == nil {
				_ = tx.Commit()
			}
		},
		"a statement that its caller cancels": func(db *sql.DB, _ *sqlpool.Pool) {
			ctx, cancel := context.WithCancel(context.Background())
			defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
			_, _ = db.ExecContext(ctx, "INSERT t")
		},
		"a statement that a deadline ends": func(db *sql.DB, _ *sqlpool.Pool) {
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			_, _ = db.ExecContext(ctx, "INSERT t")
		},
	} {
		for shape, of := range map[string]fakedb.Shape{"Full": fakedb.Full, "Std": fakedb.Std, "Holding": fakedb.Holding} {
			t.Run(name+", "+shape, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					db, p, server := newDBOn(t, fakedb.New(), of, sqlpool.Config{MaxConns: 4, PingAfter: time.Hour})
					var held []sqlpool.Loan
					for range 3 {
						held = append(held, acquire(t, p))
					}
					silent := server.Script(func(c fakedb.Call) fakedb.Fault {
						switch c.Point {
						case fakedb.Connect:
							return fakedb.Fault{Err: syscall.ECONNREFUSED}
						case fakedb.Exec, fakedb.Ping, fakedb.BeginTx:
							return fakedb.Fault{Hang: fakedb.UntilDone}
						}
						return fakedb.Fault{}
					})
					fourth := queue(t.Context(), p) // has a dial fail
					for _, loan := range held {
						_ = loan.Release()
					}
					_ = (<-fourth).loan.Release()
					for start := time.Now(); time.Since(start) < 15*time.Second; time.Sleep(50 * time.Millisecond) {
						use(db, p)
					}
					if s := p.Stats(); s.State != sqlpool.StateDown {
						t.Errorf("after 15 s state %v, %d idle", s.State, s.Idle)
					}
					silent.Remove()
					silent.Release()
				})
			})
		}
	}
}

// A dial that fails, and whose failure the hooks are still told of when a later one
// succeeds, is one of the outage that is over.
func TestAFailureThatIsToldLateBeginsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var states []string
		p, server := lab(t, sqlpool.Config{MaxConns: 4, MinIdle: 1, Hooks: []sqlpool.Hooks{{
			OnOpen: func(e sqlpool.Opened) {
				if e.Err != nil && strings.Contains(e.Err.Error(), "late") {
					time.Sleep(5 * time.Second)
				}
			},
			OnState: func(e sqlpool.StateChanged) { states = append(states, e.To.String()) },
		}}})
		must(t, p.Warm(t.Context()))
		var dials atomic.Int64
		server.Script(func(call fakedb.Call) fakedb.Fault {
			if call.Point != fakedb.Connect {
				return fakedb.Fault{}
			}
			switch dials.Add(1) {
			case 1:
				return fakedb.Fault{Err: errors.New("refused")}
			case 2:
				return fakedb.Fault{Delay: 2500 * time.Millisecond, Err: errors.New("late")}
			case 3, 4, 5:
				return fakedb.Fault{Delay: 2 * time.Second}
			}
			return fakedb.Fault{}
		})
		server.KillAll()
		for range 20 {
			time.Sleep(500 * time.Millisecond)
			p.ProbeSoon()
		}
		synctest.Wait()
		if got := strings.Join(states, " "); p.Stats().State != sqlpool.StateUp || strings.Count(got, "retrying") != 1 {
			t.Errorf("after %d dials: %s", dials.Load(), got)
		}
	})
}

// What was begun while the network swallowed everything is lost when it does no more: a
// dial that waits for an answer then waits for all of ConnectTimeout. Another one is
// tried beside it each second or so, and the lost ones are given up when it succeeds.
func TestADialThatIsLostInTheDarkHoldsUpNoOther(t *testing.T) {
	for lasts := 10 * time.Second; lasts < 16*time.Second; lasts += 300 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			p, server := lab(t, sqlpool.Config{MaxConns: 4, MinIdle: 2})
			must(t, p.Warm(t.Context()))
			dark := server.On(fakedb.Connect, fakedb.Fault{Hang: fakedb.UntilDone})
			server.KillAll()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			go func() { // as a policy that keeps callers away does
				for ctx.Err() == nil {
					p.ProbeSoon()
					select {
					case <-ctx.Done():
					case <-time.After(time.Second):
					}
				}
			}()
			time.Sleep(lasts)
			if c := server.Counts(); c.PeakDialing > sqlpool.DefaultMaxDialing || c.ConnectsTried > 2+int(lasts/time.Second) {
				t.Errorf("dark for %v: %d dials, %d at once", lasts, c.ConnectsTried, c.PeakDialing)
			}
			dark.Remove() // those that are under way go on waiting
			start := time.Now()
			for p.Stats().State != sqlpool.StateUp && time.Since(start) < 10*time.Second {
				time.Sleep(10 * time.Millisecond)
			}
			if took := time.Since(start); took > 1300*time.Millisecond {
				t.Errorf("dark for %v: up after %v", lasts, took)
			}
			time.Sleep(time.Second) // the dials that were lost hold no slot
			if s := p.Stats(); s.Dialing > 0 || s.Idle < 2 || s.State != sqlpool.StateUp {
				t.Errorf("dark for %v, a second later: %+v", lasts, s)
			}
		})
	}
}

// A connection that is lent and never used proves nothing: it must not keep callers
// waiting for a database that lets no one in: a driver alone tells each at once.
func TestALeakDoesNotHideAnOutage(t *testing.T) {
	for _, err := range []*fakedb.Error{
		{Code: "28P01", Msg: "password authentication failed"},
		{Code: "57P03", Msg: "the database system is starting up"},
		{Code: "08P01", Msg: "server login has been failing, try again later"}, // PgBouncer
	} {
		t.Run(err.Code, func(t *testing.T) { leakInAnOutage(t, err) })
	}
}

func leakInAnOutage(t *testing.T, outage *fakedb.Error) {
	synctest.Test(t, func(t *testing.T) {
		server := fakedb.New()
		p := filled(t, server, fakedb.Full, sqlpool.Config{MaxConns: 4}, 1)
		leak := acquire(t, p)
		server.On(fakedb.Connect, fakedb.Fault{Err: outage})
		a := <-queue(t.Context(), p)
		if refused(t, a.err, sqlpool.ErrUnavailable); a.took != 10*time.Second || p.Stats().State != sqlpool.StateDown {
			t.Errorf("refused after %v, state %v", a.took, p.Stats().State)
		}
		a = <-queue(t.Context(), p)
		if refused(t, a.err, sqlpool.ErrUnavailable); a.took != 0 {
			t.Errorf("the next one is refused after %v", a.took)
		}
		must(t, leak.Release())
	})
}
