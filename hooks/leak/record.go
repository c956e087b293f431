package leak

import (
	"runtime"
	"sync"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// depth is how many frames of a borrower are kept. Some ten of them belong to
// the pool and to database/sql.
const depth = 40

// record is one connection's present loan. It is written by the borrower's
// goroutine and read by the goroutine that reports.
type record struct {
	conn *sqlpool.ConnRef

	mu        sync.Mutex
	loan      uint64
	proven    uint64 // ConnRef.Generation when it began
	reported  bool
	reclaimed bool // it is being taken back by force
	sweeps    int  // that have seen the loan out
	sent      uint64
	busyAt    time.Duration // how long it was out when a sweep last saw it used
	frames    int
	pcs       [depth]uintptr
}

// begin notes a loan. The program counters are the borrower's, because
// OnAcquire runs in its goroutine.
func (r *record) begin(loan uint64, capture bool) {
	r.mu.Lock()
	r.loan, r.proven, r.reported, r.reclaimed, r.frames = loan, r.conn.Generation(), false, false, 0
	r.sweeps, r.busyAt = 0, 0
	if capture {
		r.frames = callers(r.pcs[:])
	}
	r.mu.Unlock()
}

// end forgets the loan and reports whether it had been reported, and whether
// it was to be reclaimed. From here on a sweep that still sees the loan out
// cannot report it.
func (r *record) end() (reported, reclaimed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	reported, reclaimed = r.reported, r.reclaimed
	r.loan, r.reported, r.reclaimed = 0, false, false
	return reported, reclaimed
}

// watch notes what the loan is used for, and returns how long it has been out
// without being used. Where the driver does not tell, that is the whole time.
func (r *record) watch(loan uint64, held time.Duration) (idle time.Duration) {
	activity, sent := r.conn.Activity(), r.conn.Sent()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loan != loan {
		return 0
	}
	// What was sent before the first look is not known to be this loan's.
	if activity == sqlpool.ActivityRunning || activity == sqlpool.ActivityIdle && r.sweeps > 0 && sent != r.sent {
		r.busyAt = held
	}
	r.sweeps++
	r.sent = sent
	return held - r.busyAt
}

// use returns how long ago the last sweep saw the loan used, whether it has been
// reported, and the connection's generation when it began.
func (r *record) use(held time.Duration) (idle time.Duration, reported bool, generation uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(held-r.busyAt, 0), r.reported, r.proven
}

// mark notes that the loan is reported, unless it was or has ended.
func (r *record) mark(loan uint64, reclaim bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loan != loan || r.reported {
		return false
	}
	r.reported, r.reclaimed = true, reclaim
	return true
}

// stack returns the borrower's frames, the caller's own first.
func (r *record) stack() []runtime.Frame {
	r.mu.Lock()
	pcs := make([]uintptr, r.frames)
	copy(pcs, r.pcs[:])
	r.mu.Unlock()
	return trim(pcs)
}

// String names the place of the acquire: the pool puts it into its errors.
func (r *record) String() string {
	frames := r.stack()
	if len(frames) == 0 {
		return ""
	}
	return place(frames[0])
}
