package sqlpool

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/pgerror"
)

// Errors of an acquire, to be tested with errors.Is. The error returned is an
// *AcquireError that unwraps to one of them, to the context's error if that
// ended it, and to the last dial error if there was one.
var (
	// ErrClosed: the pool is closed or closing.
	ErrClosed = errors.New("sqlpool: pool is closed")

	// ErrAcquireTimeout: no connection became usable in time.
	ErrAcquireTimeout = errors.New("sqlpool: acquire timed out")

	// ErrSaturated: MaxWaiters acquires wait already.
	ErrSaturated = errors.New("sqlpool: too many acquires are waiting")

	// ErrUnavailable: the database cannot be reached and waiting is over.
	ErrUnavailable = errors.New("sqlpool: database unavailable")
)

// ErrConnLost: the connection broke under a statement. See ConnLostError.
var ErrConnLost = errors.New("sqlpool: connection lost")

// ErrNotHeld: a loan was released or used that is not held any more.
var ErrNotHeld = errors.New("sqlpool: the loan is not held any more")

// A Phase is where in an acquire its time went.
type Phase string

// The phases of an acquire.
const (
	PhaseWaiting    Phase = "waiting for a connection"
	PhaseDialing    Phase = "waiting for a dial"
	PhaseValidating Phase = "validating a connection"
)

// An AcquireError is an acquire that failed, with what is needed to see why.
type AcquireError struct {
	Pool    string        // Config.Name
	Kind    error         // ErrClosed, ErrAcquireTimeout, ErrSaturated, ErrNoneIdle, ErrUnavailable, or nil when the caller gave up or a hook refused
	Cause   error         // the context's cause, or the error of the connection, or nil
	Dial    error         // the last dial error while the database is unreachable, or nil
	DialAgo time.Duration // how long ago that was
	Phase   Phase         // where it was
	Waited  time.Duration // since the call
	Stats   Stats         // at the moment of the failure

	// Holders are the loans held longest at that moment, at most three.
	Holders []Holder
}

// Unwrap returns Kind, Cause and Dial, as far as they are set.
func (e *AcquireError) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.Kind, e.Cause, e.Dial} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// Error names the phase, the counts, the setting to change, the last dial error and
// the longest holders.
func (e *AcquireError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "sqlpool %q: ", e.Pool)
	switch {
	case e.Kind == ErrClosed:
		b.WriteString("the pool is closed")
		return b.String()
	case e.Kind == ErrUnavailable:
		b.WriteString("the database is unavailable")
	case e.Kind == ErrSaturated:
		fmt.Fprintf(&b, "too many acquires are waiting (%d)", e.Stats.Waiting)
	case e.Kind == ErrNoneIdle:
		b.WriteString("no connection is idle, and the caller does not wait")
	case e.Kind == ErrAcquireTimeout:
		fmt.Fprintf(&b, "acquire timed out after %v while %s", e.Waited.Round(time.Millisecond), e.Phase)
	case e.Cause != nil && !errors.Is(e.Cause, context.Canceled):
		fmt.Fprintf(&b, "acquire failed while %s", e.Phase)
	default:
		fmt.Fprintf(&b, "acquire cancelled by its caller after %v while %s", e.Waited.Round(time.Millisecond), e.Phase)
	}
	if e.Cause != nil {
		fmt.Fprintf(&b, ": %v", e.Cause)
	}
	if e.Dial != nil {
		b.WriteString(": last dial")
		if e.DialAgo >= time.Second {
			fmt.Fprintf(&b, ", %v ago", e.DialAgo.Round(time.Second))
		}
		fmt.Fprintf(&b, ": %v", e.Dial)
	}
	s := e.Stats
	fmt.Fprintf(&b, "; connections: %d in use, %d idle, %d dialing, %d closing, at most %d; acquires that wait: %d",
		s.InUse, s.Idle, s.Dialing, s.Closing, s.MaxConns, s.Waiting)
	if hint := e.hint(); hint != "" {
		b.WriteString("; " + hint)
	}
	for _, h := range e.Holders {
		b.WriteString("; " + h.String())
	}
	return b.String()
}

// hint names the setting that would have let this acquire through, as the field
// of Config and as it is called in the connection string of sql.Open, whose
// users have never seen the other.
func (e *AcquireError) hint() string {
	full := e.Stats.InUse >= e.Stats.MaxConns
	switch {
	case e.Stats.Paused && e.Kind != ErrUnavailable:
		return "the pool is paused: acquires wait until it is resumed"
	case e.Kind == ErrUnavailable, e.Kind == ErrSaturated && e.Dial != nil && !full:
		return pgerror.Remedy(e.Dial) // more connections would be dialed if they could be
	case e.Kind == ErrSaturated:
		return "raise MaxConns (pool_max_conns) or MaxWaiters (pool_max_waiters), or send less"
	case e.Kind == ErrAcquireTimeout:
		return e.timeoutHint(full)
	}
	return ""
}

// timeoutHint is hint for an acquire whose time ran out.
func (e *AcquireError) timeoutHint(full bool) string {
	outOfTime := errors.Is(e.Cause, context.DeadlineExceeded)
	limit := "AcquireTimeout (pool_acquire_timeout)"
	if outOfTime {
		limit = "the context's deadline"
	}
	switch {
	case e.Phase == PhaseDialing && e.Dial != nil:
		return pgerror.Remedy(e.Dial)
	case e.Phase == PhaseDialing:
		return "raise ConnectTimeout (pool_connect_timeout) or MaxDialing (pool_max_dialing), or keep connections ready with MinIdle (pool_min_idle)"
	case e.Phase == PhaseValidating && e.Cause != nil && !outOfTime:
		return "idle connections did not pass their check: check the network and the server"
	case e.Phase == PhaseValidating:
		return "raise " + limit + ", or make the BeforeAcquire hooks faster"
	case !full:
		return "raise " + limit
	}
	return "raise MaxConns (pool_max_conns) or " + limit + ", or let the holders finish sooner"
}

// CallerRefused is what a BeforeAcquire hook returns when it refuses the caller and
// not the connection: because of something in the caller's context, for
// example. The connection stays, and the acquire fails with Err as its cause.
// Any other error of such a hook retires the connection.
type CallerRefused struct{ Err error }

// Error is the text of Err.
func (e *CallerRefused) Error() string {
	if e.Err == nil {
		return "the caller was refused"
	}
	return e.Err.Error()
}

// Unwrap returns Err.
func (e *CallerRefused) Unwrap() error { return e.Err }

// A ConnLostError is a statement, commit or other operation under which the
// connection broke. It never unwraps to driver.ErrBadConn, so database/sql does
// not run the statement a second time.
type ConnLostError struct {
	Conn uint64 // Conn.ID
	Op   string // "exec", "query", "commit", …
	Sent bool   // whether any of it may have reached the server
	Err  error  // what the driver said, or what came before it
}

// Error names the connection, the operation, whether anything of it may have
// happened, and the cause.
func (e *ConnLostError) Error() string {
	outcome := "nothing of it was sent"
	if e.Sent {
		outcome = "its outcome on the server is unknown"
	}
	return fmt.Sprintf("sqlpool: connection %d lost during %s, %s: %v", e.Conn, e.Op, outcome, e.Err)
}

// Unwrap returns ErrConnLost and the cause.
func (e *ConnLostError) Unwrap() []error { return []error{ErrConnLost, e.Err} }

// SafeToRetry reports whether the operation certainly had no effect.
func (e *ConnLostError) SafeToRetry() bool { return !e.Sent }
