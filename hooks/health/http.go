package health

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// stalled is how many sweeps may fail to come before the process is taken to
// be stuck.
const stalled = 10

// Ready is the handler for readiness (/readyz): 200 while healthy or degraded, 503
// while unhealthy or starting. The body is the status as JSON, without the texts of
// errors, because a driver's error names the server, the database and the user, and an
// orchestrator's port is often open to all clients. Details has them.
//
// While it is 503 and asked for at least every 30 s, the pool dials once a second, so
// that it is 200 again about a second after the database is back, even if no caller
// comes.
func (m *Monitor) Ready() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m.asked.Store(time.Now().UnixNano())
		j := m.last.Load()
		m.write(w, j.withoutErrors(), j.State.ready())
	})
}

// ready reports whether callers get connections.
func (s State) ready() bool { return s == Healthy || s == Degraded }

// Details is Ready with the texts of errors, for a port that only operators reach.
func (m *Monitor) Details() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m.asked.Store(time.Now().UnixNano())
		s := m.Status()
		m.write(w, s, s.State.ready())
	})
}

// Live is the handler for liveness (/livez): 503 when the pool is closed or has not swept for ten
// intervals, which a restart of the process repairs. No sweep waits for the server, so an unreachable
// database never makes it 503: restarting the clients of a database that is coming back makes things worse. The
// body is that of Ready.
func (m *Monitor) Live() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s := m.last.Load().withoutErrors()
		pool := m.pool.Load()
		alive := pool == nil || pool.Stats().State != sqlpool.StateClosed && // without a pool there is nothing that a restart would mend
			time.Since(s.CheckedAt) < stalled*pool.Config().SweepInterval
		m.write(w, s, alive)
	})
}

// withoutErrors is the judgement for clients that are not trusted.
func (j *judgement) withoutErrors() Status {
	return Status{State: j.State, Reasons: j.brief, Since: j.Since, CheckedAt: j.CheckedAt, LastErrorAt: j.LastErrorAt}
}

// body is the JSON of all handlers.
type body struct {
	Pool        string     `json:"pool"`
	Status      State      `json:"status"`
	Reasons     []string   `json:"reasons"`
	Since       time.Time  `json:"since"`
	CheckedAt   time.Time  `json:"checked_at"`
	LastError   string     `json:"last_error,omitempty"`
	LastErrorAt *time.Time `json:"last_error_at,omitempty"`
	Connections *conns     `json:"connections,omitempty"`
}

type conns struct {
	Max     int `json:"max"`
	Idle    int `json:"idle"`
	InUse   int `json:"in_use"`
	Dialing int `json:"dialing"`
	Closing int `json:"closing"`
	Waiting int `json:"waiting"`
}

func (m *Monitor) write(w http.ResponseWriter, s Status, ok bool) {
	b := body{Status: s.State, Reasons: s.Reasons, Since: s.Since, CheckedAt: s.CheckedAt, LastError: s.LastError}
	if b.Reasons == nil {
		b.Reasons = []string{}
	}
	if !s.LastErrorAt.IsZero() {
		b.LastErrorAt = &s.LastErrorAt
	}
	if pool := m.pool.Load(); pool != nil {
		st := pool.Stats()
		b.Pool = st.Name
		b.Connections = &conns{st.MaxConns, st.Idle, st.InUse, st.Dialing, st.Closing, st.Waiting}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(b) // the client has gone: nothing to do about it
}
