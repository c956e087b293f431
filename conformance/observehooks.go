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

// reportRules: what hooks tell: times, readiness, the log.
var reportRules = []Rule{
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
	{
		ID:     "OBS-12",
		Rule:   "writes that are refused because the server only reads are counted, and are the last error",
		Why:    "after a failover that left the pool on a standby every write fails, and everything else looks well",
		Source: "PostgreSQL: SQLSTATE 25006; this pool: Stats.ReadOnlyCount",
		needs:  []Need{NeedPool, NeedProbe},
		check: func(x *trial) {
			const writes = 4
			p := x.probe()
			s := x.open(Settings{MaxConns: 1})
			x.use("a first statement", s.DB)
			p.failing(OpExec, func(int) error { return stateError("25006") })
			for range writes {
				if _, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One); err == nil {
					x.fatalf("a statement succeeds that its driver has refused")
				}
			}
			if st := s.Pool.Stats(); st.ReadOnlyCount != writes || !strings.Contains(st.LastError, "25006") {
				x.errorf("%d writes were refused, %d are counted, and the last error is %q", writes, st.ReadOnlyCount, st.LastError)
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
