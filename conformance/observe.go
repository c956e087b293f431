package conformance

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/slogger"
	"github.com/sqlpool/go/sqlpool"
)

var observeRules = []Rule{
	{
		ID:     "OBS-01",
		Rule:   "a caller who waits is seen while it waits",
		Why:    "the first sign of a pool that is too small would be the timeouts",
		Source: "this pool: Stats.Waiting",
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1})
			if s.Figures().Waiting < 0 {
				x.fatalf("nothing that this pool tells says how many callers wait now")
			}
			const callers = 30
			hold := x.hold(s.DB)
			for range callers {
				x.call(x.ctx, s.DB)
			}
			x.until("all of them are seen to wait", func() bool { return s.Figures().Waiting == callers })
			x.must("giving the connection back", hold.Close())
			x.work.Wait()
			if n := s.Figures().Waiting; n != 0 {
				x.errorf("%d callers are seen to wait, and all have been served", n)
			}
		},
	},
	{
		ID:     "OBS-02",
		Rule:   "waits are counted and timed, and only those: a caller who finds a connection has not waited",
		Why:    "averages over everybody hide the wait of some",
		Source: "this pool: Stats.WaitCount, Stats.WaitTime",
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1})
			x.use("a statement", s.DB)
			x.settle(s)
			before := s.Figures()
			for range 5 {
				x.use("a statement that does not wait", s.DB)
			}
			hold := x.hold(s.DB)
			if now := s.Figures(); now.Waited != before.Waited {
				x.errorf("%d waits are counted where nobody waited", now.Waited-before.Waited)
			}
			const callers = 7
			began := time.Now()
			for range callers {
				x.call(x.ctx, s.DB)
			}
			x.awaitWaiting(s, before.Waited, callers)
			time.Sleep(soon) // the wait to be measured
			x.must("giving the connection back", hold.Close())
			x.work.Wait()
			now := s.Figures()
			if n := now.Waited - before.Waited; n != callers {
				x.errorf("%d callers waited, and %d waits are counted", callers, n)
			}
			most := callers * time.Since(began)
			if took := now.WaitTime - before.WaitTime; took < callers*soon || took > most {
				x.errorf("%d callers waited for %v at least and %v at most together, and %v are counted", callers, callers*soon, most, took)
			}
		},
	},
	{
		ID:     "OBS-03",
		Rule:   "acquires that failed are counted by their kind: timed out, given up, refused",
		Why:    "a timeout of the pool is an incident, an impatient client is not",
		Source: "this pool: Stats.TimeoutCount, CanceledCount, SaturatedCount",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1, MinIdle: 1, Adjust: func(c *sqlpool.Config) { c.AcquireTimeout, c.MaxWaiters = 10*soon, 1 }})
			x.holdReady(s)
			ctx, cancel := x.brief()
			impatient := x.call(ctx, s.DB)
			x.awaitWaiting(s, 0, 1)
			for range 3 {
				_, _ = s.DB.ExecContext(x.ctx, x.target.Dialect.One) // refused
			}
			cancel()
			<-impatient.done
			for range 2 {
				_, _ = s.DB.ExecContext(x.ctx, x.target.Dialect.One) // times out
			}
			st := s.Pool.Stats()
			canceled := st.CanceledCount
			if st.TimeoutCount+canceled != 3 || canceled > 1 || st.SaturatedCount != 3 {
				x.errorf("1 gave up, 3 were refused and 2 timed out; counted are %d, %d and %d", canceled, st.SaturatedCount, st.TimeoutCount)
			}
		},
	},
	{
		ID:     "OBS-04",
		Rule:   "connections that are being dialed or closed are counted as such, and the sum is what is open",
		Why:    "a pool would look half empty while it is full of connections that do not come up",
		Source: "this pool: Stats, one instant",
		needs:  []Need{NeedPool, NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			dials := p.gate(OpDial)
			s := x.open(Settings{MaxConns: 3})
			waiter := x.call(x.ctx, s.DB)
			x.until("a dial is under way", func() bool { return dials.waiting.Load() == 1 })
			if st := s.Pool.Stats(); st.Dialing != 1 || st.Open != 1 || st.Idle+st.InUse+st.Closing != 0 {
				x.errorf("during one dial: %d open, of which %d dialing, %d idle, %d in use, %d closing", st.Open, st.Dialing, st.Idle, st.InUse, st.Closing)
			}
			dials.all()
			x.mustServe("the caller", waiter)
			x.settle(s)
			closes := p.gate(OpClose)
			x.must("Retire", x.acquire(s).Retire(nil))
			x.until("a close is under way", func() bool { return closes.waiting.Load() == 1 })
			if st := s.Pool.Stats(); st.Closing != 1 || st.Open != 1 {
				x.errorf("during one close: %d open, of which %d closing", st.Open, st.Closing)
			}
			closes.all()
		},
	},
	{
		ID:     "OBS-05",
		Rule:   "Holders lists the loans that are out, the longest first, each with its last statement",
		Why:    "who holds the connections is the first question, and the longest holder mostly its answer",
		Source: "this pool: Pool.Holders",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 3})
			x.hold(s.DB)
			tx, err := s.DB.BeginTx(x.ctx, nil)
			x.must("Begin", err)
			defer tx.Rollback()
			x.use("a statement in it", tx)
			holders := s.Pool.Holders()
			if len(holders) != 2 || holders[0].Held < holders[1].Held || holders[0].InTransaction || !holders[1].InTransaction {
				x.fatalf("a Conn and then a Tx are listed as %v", holders)
			}
			for _, h := range holders {
				if h.LastStatement != x.target.Dialect.One {
					x.errorf("a holder's last statement is %q", h.LastStatement)
				}
			}
		},
	},
	{
		ID:     "OBS-06",
		Rule:   "the last error is told, with its time",
		Why:    "after a night's incident it is what is left to read",
		Source: "this pool: Stats.LastError, LastErrorAt",
		needs:  []Need{NeedPool, NeedBreak},
		check: func(x *trial) {
			began := time.Now()
			x.probe().failing(OpDial, func(int) error { return errDial })
			s := x.open(Settings{})
			_, _ = s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			st := s.Pool.Stats()
			if !strings.Contains(st.LastError, errDial.Error()) || st.LastErrorAt.Before(began) {
				x.errorf("after a failed dial the last error is %q of %v", st.LastError, st.LastErrorAt)
			}
		},
	},
	{
		ID:     "OBS-07",
		Rule:   "OnState sees the pool lose and regain its database, in order",
		Why:    "alerts would stay on, or never come",
		Source: "this pool: OnState",
		needs:  []Need{NeedPool, NeedBreak},
		check: func(x *trial) {
			var seen list[string]
			s, p := x.outage(Settings{MaxConns: 1,
				Hooks:  []sqlpool.Hooks{{OnState: func(e sqlpool.StateChanged) { seen.add(e.From.String() + ">" + e.To.String()) }}},
				Adjust: func(c *sqlpool.Config) { c.FailFastAfter = soon },
			})
			p.failing(OpDial, func(int) error { return errDial })
			_, _ = s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			x.until("the pool is down", func() bool { return s.Pool.Stats().State == sqlpool.StateDown })
			p.intercept(nil)
			x.until("the pool is up", func() bool { return s.Pool.Stats().State == sqlpool.StateUp })
			x.must("Close", s.Close())
			want := "starting>up up>retrying retrying>down down>up up>closed"
			var got string
			x.until("all changes are told", func() bool {
				got = strings.Join(seen.all(), " ")
				return strings.HasSuffix(got, ">closed")
			})
			if got != want {
				x.errorf("the changes were told as\n  %s\nnot as\n  %s", got, want)
			}
		},
	},
	{
		ID:     "OBS-08",
		Rule:   "the most connections that were in use at once are told",
		Why:    "the size of the pool is chosen by it",
		Source: "this pool: Stats.PeakInUse",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 6})
			x.fill(s, 4)
			x.use("a statement", s.DB)
			if n := s.Pool.Stats().PeakInUse; n != 4 {
				x.errorf("4 connections were in use at once, and %d are told", n)
			}
		},
	},
	{
		ID:     "OBS-09",
		Rule:   "hooks are told how long a dial took, a caller waited and a loan was held",
		Why:    "histograms are built on them",
		Source: "this pool: Opened.Took, Acquired.Waited, Released.Held",
		needs:  []Need{NeedPool, NeedProbe},
		check: func(x *trial) {
			var took, waited, held list[time.Duration]
			p := x.probe()
			p.failing(OpDial, func(int) error { time.Sleep(soon); return nil })
			s := x.open(Settings{MaxConns: 1, Hooks: []sqlpool.Hooks{{
				OnOpen:    func(e sqlpool.Opened) { took.add(e.Took) },
				OnAcquire: func(e sqlpool.Acquired) { waited.add(e.Waited) },
				OnRelease: func(e sqlpool.Released) { held.add(e.Held) },
			}}})
			hold := x.hold(s.DB)
			waiter := x.call(x.ctx, s.DB)
			x.awaitWaiting(s, 0, 1)
			time.Sleep(soon) // the wait to be measured
			x.must("giving the connection back", hold.Close())
			x.mustServe("the caller", waiter)
			x.settle(s)
			if d := took.all(); len(d) != 1 || d[0] < soon {
				x.errorf("a dial of %v took %v", soon, d)
			}
			if d := waited.all(); len(d) != 2 || d[1] < soon {
				x.errorf("a caller who waited for %v waited for %v", soon, d)
			}
			if d := held.all(); len(d) != 2 || d[0] < soon {
				x.errorf("a loan of %v was held for %v", soon, d)
			}
		},
	},
	{
		ID:     "OBS-10",
		Rule:   "readiness fails while the database is away and passes again when it is back",
		Why:    "traffic would be sent to what cannot serve it, or never again to what can",
		Source: "this pool: health.Monitor.Ready",
		needs:  []Need{NeedPool, NeedBreak},
		check: func(x *trial) {
			monitor := health.New(health.Config{})
			s, p := x.outage(Settings{MaxConns: 1, Hooks: []sqlpool.Hooks{monitor.Hooks()}, Adjust: func(c *sqlpool.Config) {
				c.FailFastAfter = soon
				sweepFast(c)
			}})
			ready := func() int {
				w := httptest.NewRecorder()
				monitor.Ready().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
				return w.Code
			}
			p.failing(OpDial, func(int) error { return errDial })
			_, _ = s.DB.ExecContext(x.ctx, x.target.Dialect.One)
			x.until("readiness fails", func() bool { return ready() == http.StatusServiceUnavailable })
			p.intercept(nil)
			x.until("readiness passes", func() bool { return ready() == http.StatusOK })
		},
	},
	{
		ID:     "OBS-11",
		Rule:   "the log says why a connection was retired, of which pool, and never an argument of a statement",
		Why:    "\"connection closed\" answers nothing, and arguments are personal data",
		Source: "this pool: hooks/slogger",
		needs:  []Need{NeedPool, NeedEcho},
		check: func(x *trial) {
			var log buffer
			handler := slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 4})
			s := x.open(Settings{MaxConns: 1, Hooks: []sqlpool.Hooks{slogger.Options{Statements: true}.Hooks(slog.New(handler))}})
			_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.Echo, "personal data")
			x.must("a statement", err)
			x.settle(s)
			x.must("Retire", x.acquire(s).Retire(&sqlpool.Reason{Code: "conformance_reason", Err: errors.New("as asked")}))
			x.must("Close", s.Close())
			text := log.String()
			for _, word := range []string{"conformance_reason", `"conformance"`} {
				if !strings.Contains(text, word) {
					x.errorf("%q is not in the log: %s", word, text)
				}
			}
			if strings.Contains(text, "personal data") {
				x.errorf("an argument is in the log: %s", text)
			}
		},
	},
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String is what has been written so far.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
