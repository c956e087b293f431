package leak

import (
	"runtime"
	"sync"

	"github.com/sqlpool/go/sqlpool"
)

// depth is how many frames of a borrower are kept, the pool's and package
// sql's own, some ten, among them.
const depth = 40

// record is one connection's present loan. It is written by the borrower's
// goroutine and read by whoever reports.
type record struct {
	conn *sqlpool.Conn

	mu        sync.Mutex
	loan      uint64
	reported  bool
	reclaimed bool // it is being taken back by force
	frames    int
	pcs       [depth]uintptr
}

// begin notes a loan. The program counters are the borrower's, because
// OnAcquire runs in its goroutine.
func (r *record) begin(loan uint64, capture bool) {
	r.mu.Lock()
	r.loan, r.reported, r.reclaimed, r.frames = loan, false, false, 0
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
