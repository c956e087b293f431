//go:build unix

package outage

import (
	"context"
	"sync"
	"time"

	"github.com/sqlpool/go/conformance/outage/ledger"
)

// A Load is callers that write one token after another, each write under a
// deadline of its own.
type Load struct {
	Callers  int
	Every    time.Duration // between the beginnings of one caller's writes; 0: without a pause
	Deadline time.Duration // of each write
	Write    func(ctx context.Context, token int64, caller int) error
	Book     *ledger.Book
}

// A Try is one write.
type Try struct {
	Caller               int // from 0
	Token                int64
	Begun, Due, Returned time.Time // Due is its deadline
	Err                  error
}

// Late is by how much the write outlasted its deadline; negative when it did
// not.
func (t Try) Late() time.Duration { return t.Returned.Sub(t.Due) }

// A Run is a load on its way. Its methods may be called from any goroutine.
type Run struct {
	load Load
	stop context.CancelFunc // begins no more writes
	work sync.WaitGroup

	mu      sync.Mutex
	tries   []Try
	open    []time.Time // by caller: the deadline of the write it is in, or zero
	mark    time.Time   // Steady looks at writes begun after it
	streaks []int       // by caller: writes served in a row since the mark
	changed chan struct{}
}

// Start sets the callers to work, their beginnings spread evenly over Every.
func (l Load) Start(ctx context.Context) *Run {
	ctx, stop := context.WithCancel(ctx)
	r := &Run{
		load: l, stop: stop, mark: time.Now(),
		open: make([]time.Time, l.Callers), streaks: make([]int, l.Callers), changed: make(chan struct{}),
	}
	for caller := range l.Callers {
		r.work.Go(func() { r.call(ctx, caller) })
	}
	return r
}

func (r *Run) call(ctx context.Context, caller int) {
	every := max(r.load.Every, time.Nanosecond)
	next := time.NewTimer(every * time.Duration(caller) / time.Duration(r.load.Callers))
	defer next.Stop()
	for {
		select {
		case <-next.C:
		case <-ctx.Done():
			return
		}
		begun := r.write(caller)
		next.Reset(max(time.Until(begun.Add(every)), 0))
	}
}

// write does not end with the run: a write that was begun has its own deadline.
func (r *Run) write(caller int) (begun time.Time) {
	token := r.load.Book.Token()
	begun = time.Now()
	due := begun.Add(r.load.Deadline)
	ctx, cancel := context.WithDeadline(context.Background(), due)
	defer cancel()
	r.mu.Lock()
	r.open[caller] = due
	r.mu.Unlock()

	err := r.load.Write(ctx, token, caller)
	t := Try{Caller: caller, Token: token, Begun: begun, Due: due, Returned: time.Now(), Err: err}
	r.load.Book.Record(token, err)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[caller] = time.Time{}
	r.tries = append(r.tries, t)
	switch {
	case err != nil:
		r.streaks[caller] = 0
	case !begun.Before(r.mark):
		r.streaks[caller]++
	}
	close(r.changed)
	r.changed = make(chan struct{})
	return begun
}

// Mark begins the streaks of Steady anew and returns the moment.
func (r *Run) Mark() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mark = time.Now()
	clear(r.streaks)
	return r.mark
}

// Steady returns when every caller has had that many writes in a row served
// since the mark, or with the context's error.
func (r *Run) Steady(ctx context.Context, writes int) error {
	for {
		r.mu.Lock()
		steady := true
		for _, n := range r.streaks {
			steady = steady && n >= writes
		}
		changed := r.changed
		r.mu.Unlock()
		if steady {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Stop begins no more writes, waits for those on their way, at most for limit,
// and returns all that have returned and how many have not. The longest that one
// of these has outlasted its deadline is overdue.
func (r *Run) Stop(limit time.Duration) (tries []Try, stuck int, overdue time.Duration) {
	r.stop()
	ended := make(chan struct{})
	go func() { r.work.Wait(); close(ended) }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, due := range r.open {
		if !due.IsZero() {
			stuck++
			overdue = max(overdue, time.Since(due))
		}
	}
	return r.tries, stuck, overdue
}
