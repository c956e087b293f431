package sqlpool

import "errors"

// A Reason says why a connection was retired: a short stable code for metrics,
// and the error behind it, if any. Hooks may return any error; those that are
// to have a name of their own in metrics return a *Reason.
type Reason struct {
	Code string // lower case with underscores, for example "max_lifetime"
	Err  error  // may be nil

	// Sound says that the connection still works and only its time is over: an
	// idle one that MinIdle needs is lent on until its replacement is there.
	Sound bool
}

// Error is the code, and the error behind it if there is one.
func (r *Reason) Error() string {
	if r.Err == nil {
		return r.Code
	}
	return r.Code + ": " + r.Err.Error()
}

// Unwrap returns the error behind the reason.
func (r *Reason) Unwrap() error { return r.Err }

// ReasonCode returns the code.
func (r *Reason) ReasonCode() string { return r.Code }

// ReasonCode returns the short name of a Closed.Reason: the code of the first
// error in its chain that has one, else "hook".
func ReasonCode(reason error) string {
	var coded interface{ ReasonCode() string }
	if errors.As(reason, &coded) {
		return coded.ReasonCode()
	}
	return "hook"
}

// The pool's own codes. Hooks add theirs.
const (
	CodeBroken    = "broken"     // an error ended the connection
	CodeDead      = "dead"       // found dead when it was to be lent
	CodeDirty     = "dirty"      // left in a transaction that could not be rolled back
	CodeShutdown  = "shutdown"   // the pool closes
	CodeForced    = "forced"     // still in use when the shutdown's deadline passed
	CodeReadOnly  = "read_only"  // the server is not the primary
	CodeAbandoned = "abandoned"  // its owner discarded it, for example after a panic
	CodePinned    = "pinned"     // a transaction ended while a statement of it was open
	CodeRetired   = "retired"    // Loan.Retire without a reason
	CodeHookPanic = "hook_panic" // a hook panicked
)

func because(code string, err error) error {
	return &Reason{Code: code, Err: hideBadConn(err)}
}

// isSound reports whether a connection with that reason still works.
func isSound(why error) bool {
	var reason *Reason
	return errors.As(why, &reason) && reason.Sound
}
