package debugui

import (
	"time"

	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/sqlpool"
)

// The levels of Status and Event.
const (
	Starting  = "starting" // no connection has been opened yet, and no dial has failed
	Healthy   = "healthy"
	Degraded  = "degraded"
	Unhealthy = "unhealthy"
	Paused    = "paused" // healthy, but acquires wait for Resume
	Closed    = "closed"
)

// View is the page in JSON. Lengths of time whose name ends in _ms are in
// milliseconds. Fields may be added within a major version; none changes.
type View struct {
	At     time.Time `json:"at"`   // when it was put together
	Pool   string    `json:"pool"` // sqlpool.Config.Name
	Status Status    `json:"status"`
	Outage *Outage   `json:"outage,omitempty"` // while dials fail
	Paused bool      `json:"paused"`

	Gauges   Gauges   `json:"gauges"`
	Counters Counters `json:"counters"`
	Latency  *Latency `json:"latency,omitempty"` // nil without the UI's Hooks
	Samples  []Sample `json:"samples"`           // those after ?since=

	Fleet *fleet.Status `json:"fleet,omitempty"` // nil without Config.Fleet

	Conns   []Conn    `json:"conns"`   // by number
	Holders []Holder  `json:"holders"` // the longest first
	Closes  []Closes  `json:"closes"`  // the most frequent reason first
	Events  []Event   `json:"events"`  // the newest first
	Config  []Setting `json:"config"`
	Advice  []string  `json:"advice"` // about the configuration

	Controls   bool    `json:"controls"`    // whether the page may change the pool
	Recycling  bool    `json:"recycling"`   // by the page
	Hooked     bool    `json:"hooked"`      // whether the UI's Hooks are the pool's
	Leaks      bool    `json:"leaks"`       // whether leaks are looked for
	LifetimeMS float64 `json:"lifetime_ms"` // Config.Lifetime

	Process Process `json:"process"` // whose pool it is
}

// Process is the program that has the pool.
type Process struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`         // its machine's name
	Program string    `json:"program"`      // the main package's path
	Version string    `json:"version"`      // of the program's module, or the commit it was built from
	Pool    string    `json:"pool_version"` // of this module
	Go      string    `json:"go"`           // the Go version
	Started time.Time `json:"started"`      // when this package was loaded, which is at the program's start
}

// Status is how the pool is, why, and since when.
type Status struct {
	Level   string    `json:"level"` // of Config.Health, or else by the state
	State   string    `json:"state"` // sqlpool.State
	Reasons []string  `json:"reasons"`
	Steps   []string  `json:"steps"` // what to do first; empty while healthy
	Since   time.Time `json:"since"`

	LastError   string     `json:"last_error,omitempty"`    // the last dial error or fatal error
	LastErrorAt *time.Time `json:"last_error_at,omitempty"` // nil when there was none
}

// Outage is what the pool knows of a database that it cannot reach.
type Outage struct {
	Failures   int     `json:"failures"`     // dials since the last that succeeded
	ForMS      float64 `json:"for_ms"`       // since the first of those
	NextDialMS float64 `json:"next_dial_ms"` // zero while one is under way
	Text       string  `json:"text"`         // the same in words
}

// Gauges are now.
type Gauges struct {
	MaxConns     int     `json:"max_conns"`      // the limit in force
	MinIdle      int     `json:"min_idle"`       // kept ready
	Open         int     `json:"open"`           // in every state below
	Idle         int     `json:"idle"`           // not lent
	InUse        int     `json:"in_use"`         // lent
	Dialing      int     `json:"dialing"`        // being opened
	Closing      int     `json:"closing"`        // hold their slot until the server is done
	Waiting      int     `json:"waiting"`        // acquires in the queue
	OldestWaitMS float64 `json:"oldest_wait_ms"` // of those
	PeakInUse    int     `json:"peak_in_use"`    // the most InUse has been
	Leaks        int     `json:"leaks"`          // loans held too long
}

// Counters are since the pool was opened.
type Counters struct {
	CreatedAt   time.Time `json:"created_at"`
	Acquires    uint64    `json:"acquires"`    // loans begun
	Waits       uint64    `json:"waits"`       // of those, how many had to wait
	Timeouts    uint64    `json:"timeouts"`    // acquires that failed, as the next three
	Canceled    uint64    `json:"canceled"`    // their callers gave up
	Saturated   uint64    `json:"saturated"`   // refused by MaxWaiters
	Unavailable uint64    `json:"unavailable"` // refused by the open circuit
	Dials       uint64    `json:"dials"`       // ended, failed ones included
	DialErrors  uint64    `json:"dial_errors"` // of those
	Closes      uint64    `json:"closes"`      // for any reason
	Releases    uint64    `json:"releases"`    // loans ended
	WaitMS      float64   `json:"wait_ms"`     // of those that had to wait, in all
	MaxWaitMS   float64   `json:"max_wait_ms"` // the longest of them
	Misuses     uint64    `json:"misuses"`     // releases of loans that were not held
	Generation  uint64    `json:"generation"`  // grows when all connections come under suspicion
}

// Latency is percentiles over the last minute.
type Latency struct {
	Acquire Quantiles `json:"acquire"` // the wait in the queue
	Held    Quantiles `json:"held"`    // a loan's length
	Dial    Quantiles `json:"dial"`    // those that succeeded
}

// Quantiles are upper bounds, exact to one eighth.
type Quantiles struct {
	Count uint64  `json:"count"` // of what was measured
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

// Sample is one moment of the charts.
type Sample struct {
	Seq     uint64    `json:"seq"` // what ?since= takes
	At      time.Time `json:"at"`
	State   string    `json:"state"` // sqlpool.State
	Max     int       `json:"max"`
	InUse   int       `json:"in_use"`
	Idle    int       `json:"idle"`
	Dialing int       `json:"dialing"`
	Closing int       `json:"closing"`
	Waiting int       `json:"waiting"`
	Loans   float64   `json:"loans"`     // per second
	Errors  float64   `json:"errors"`    // acquires that timed out or were refused, per second
	Wait50  float64   `json:"wait50_ms"` // the mean, without the UI's Hooks
	Wait99  float64   `json:"wait99_ms"`
	Held50  float64   `json:"held50_ms"`
	Held99  float64   `json:"held99_ms"`
}

// Conn is one connection.
type Conn struct {
	ID            uint64  `json:"id"`     // sqlpool.Conn.ID
	State         string  `json:"state"`  // idle, in_use, validating, leaked or closing
	ForMS         float64 `json:"for_ms"` // in that state
	AgeMS         float64 `json:"age_ms"`
	TookMS        float64 `json:"took_ms"` // to dial
	Loans         uint64  `json:"loans"`
	Uses          uint64  `json:"uses"`                // statements executed
	Statement     string  `json:"statement,omitempty"` // the last one, without its literals
	InTransaction bool    `json:"in_transaction"`
	Activity      string  `json:"activity,omitempty"` // sqlpool.Activity of one that is in use
	PID           uint32  `json:"pid,omitempty"`      // the server's process, as pg_stat_activity has it
	Server        string  `json:"server,omitempty"`   // its address
	Role          string  `json:"role,omitempty"`     // primary or standby, when it was dialed
}

// Holder is a loan that is out.
type Holder struct {
	Conn          uint64  `json:"conn"` // its number
	HeldMS        float64 `json:"held_ms"`
	Leaked        bool    `json:"leaked"`             // not used for too long
	Activity      string  `json:"activity,omitempty"` // running, or idle in hand; empty where the driver does not tell
	IdleMS        float64 `json:"idle_ms,omitempty"`  // how long it is idle in hand, to the precision of a sweep; with Config.Leaks only
	PID           uint32  `json:"pid,omitempty"`      // the server's process: pg_terminate_backend takes it
	Suspect       bool    `json:"suspect,omitempty"`  // the server may have lost it since it was acquired; with Config.Leaks only
	Broken        string  `json:"broken,omitempty"`   // what broke its connection, if the driver has seen it
	Server        string  `json:"server,omitempty"`
	Role          string  `json:"role,omitempty"`
	InTransaction bool    `json:"in_transaction"`
	Statement     string  `json:"statement,omitempty"` // the last one, without its literals
	Origin        string  `json:"origin,omitempty"`    // where it was acquired
	Stack         []Frame `json:"stack,omitempty"`
}

// Frame is a line of a stack.
type Frame struct {
	Function string `json:"function"` // with its package
	File     string `json:"file"`
	Line     int    `json:"line"`
}

// Closes is how many connections were closed for a reason.
type Closes struct {
	Reason string `json:"reason"`
	Count  uint64 `json:"count"` // since the UI was made
}

// Event is a line of the timeline: one event, or several of one cause.
type Event struct {
	At    time.Time `json:"at"`              // of the first
	Last  time.Time `json:"last"`            // of the last
	Kind  string    `json:"kind"`            // one of the Kind constants
	Level string    `json:"level,omitempty"` // of what is good or bad
	Text  string    `json:"text,omitempty"`
	Conn  uint64    `json:"conn,omitempty"` // the last one
	Count uint64    `json:"count"`          // how many this line stands for
}

// Setting is sqlpool.Setting: a Name, its Value, the Source it came from and a
// Note on what is odd about it, which is among the Advice.
type Setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source"`
	Note   string `json:"note,omitempty"`
}

func settingsOf(list []sqlpool.Setting) []Setting {
	all := make([]Setting, len(list))
	for i, s := range list {
		all[i] = Setting(s)
	}
	return all
}
