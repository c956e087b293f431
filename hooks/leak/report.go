package leak

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Report is one loan that is, or was, held too long.
type Report struct {
	Pool          string
	Conn          uint64 // sqlpool.Conn.ID
	Held          time.Duration
	AcquiredAt    time.Time
	LastStatement string // text only; empty when hidden or when there was none
	InTransaction bool

	// Returned says that the loan has ended after all, after Held.
	Returned bool

	// Reclaimed says that it ended by force: by Config.Reclaim, or when the
	// pool was shut down.
	Reclaimed bool

	// Stack is where the loan began: the first frame is the caller of package
	// sql or of the pool. Empty when no stack was taken.
	Stack []runtime.Frame
}

// String is the report as a paragraph for people: one line of facts, then two
// lines a frame.
func (r Report) String() string {
	var b strings.Builder
	switch {
	case r.Reclaimed:
		fmt.Fprintf(&b, "pool %q: connection %d taken back by force after %v", r.Pool, r.Conn, r.Held.Round(time.Millisecond))
	case r.Returned:
		fmt.Fprintf(&b, "pool %q: connection %d returned after %v", r.Pool, r.Conn, r.Held.Round(time.Millisecond))
	default:
		fmt.Fprintf(&b, "pool %q: connection %d held for %v", r.Pool, r.Conn, r.Held.Round(time.Millisecond))
	}
	fmt.Fprintf(&b, ", acquired at %s", r.AcquiredAt.Format(time.RFC3339Nano))
	if r.InTransaction {
		b.WriteString(", in a transaction")
	}
	if r.LastStatement != "" {
		fmt.Fprintf(&b, ", last statement %q", r.LastStatement)
	}
	if len(r.Stack) == 0 {
		b.WriteString(", no stack was taken")
	}
	for _, f := range r.Stack {
		fmt.Fprintf(&b, "\n\t%s\n\t\t%s:%d", f.Function, f.File, f.Line)
	}
	return b.String()
}

func (d *Detector) describe(r *record, held time.Duration, returned bool) Report {
	rep := Report{
		Pool: r.conn.Pool(), Conn: r.conn.ID(), Held: held, AcquiredAt: time.Now().Add(-held),
		InTransaction: r.conn.InTransaction(), Returned: returned, Stack: r.stack(),
	}
	if !d.cfg.HideStatements {
		rep.LastStatement = r.conn.LastStatement()
	}
	return rep
}

// Holders returns every loan that is out, leak or not, the longest first.
func (d *Detector) Holders() []Report {
	var out []Report
	for _, r := range d.snapshot() {
		if _, held, ok := r.conn.Lending(); ok {
			out = append(out, d.describe(r, held, false))
		}
	}
	slices.SortFunc(out, func(a, b Report) int { return cmp.Compare(b.Held, a.Held) })
	return out
}

// trim symbolises a stack and drops the frames before the one that is worth
// showing: those of package sql, of the pool and of its hooks.
func trim(pcs []uintptr) []runtime.Frame {
	if len(pcs) == 0 {
		return nil
	}
	var kept []runtime.Frame
	frames := runtime.CallersFrames(pcs)
	for {
		f, more := frames.Next()
		if f.Function != "" && (len(kept) > 0 || !plumbing(f.Function)) && f.Function != "runtime.goexit" {
			kept = append(kept, f)
		}
		if !more {
			return kept
		}
	}
}

// plumbing reports whether a function belongs to what lies between the
// borrower and the connection. Test packages next to these do not.
func plumbing(function string) bool {
	const module = "github.com/sqlpool/go/"
	if strings.HasPrefix(function, "database/sql.") || strings.HasPrefix(function, "runtime.") {
		return true
	}
	inside, ours := strings.CutPrefix(function, module)
	if !ours {
		return false
	}
	path, _, _ := strings.Cut(inside, ".")
	if strings.HasSuffix(path, "_test") {
		return false
	}
	return path == "sqlpool" || path == "drivers" || strings.HasPrefix(path, "mocks/") || strings.HasPrefix(path, "drivers/") || strings.HasPrefix(path, "hooks/")
}

func place(f runtime.Frame) string { return fmt.Sprintf("%s:%d (%s)", f.File, f.Line, f.Function) }
