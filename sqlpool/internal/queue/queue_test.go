package queue

import (
	"math"
	"testing"
	"time"
)

// push has a waiter come that can wait for so long, by its caller's own clock.
func push(q *Queue[int], now, patience time.Duration) *Waiter[int] {
	w := q.Get()
	w.Since, w.Until, w.End = int64(now), int64(now+patience), math.MaxInt64
	q.Push(w, int64(now), false)
	return w
}

func served(t *testing.T, q *Queue[int], now time.Duration, want *Waiter[int], what string) {
	t.Helper()
	if got := q.Next(int64(now)); got != want {
		t.Errorf("%s is not the next to be served", what)
	}
}

func TestWaitersAreServedInOrder(t *testing.T) {
	var q Queue[int]
	a, b, c := push(&q, 0, s), push(&q, 1, s), push(&q, 2, time.Hour)
	if since, ok := q.Oldest(); !ok || since != 0 || q.Len() != 3 {
		t.Error(since, ok, q.Len())
	}
	q.Leave(b, false) // not late
	served(t, &q, 3, a, "the first")
	d := push(&q, 4, s)
	q.Push(a, 5, true) // what it was granted was no good
	served(t, &q, 6, a, "the one that comes again")
	served(t, &q, 7, c, "the second that is left")
	served(t, &q, 8, d, "the last")
	if q.Next(9) != nil || q.NewestFirst() {
		t.Error("not empty")
	}
}

// crowd has so many come at 5 ms from one another that they are served too late in order.
func crowd(q *Queue[int], n int, patience time.Duration) (all []*Waiter[int]) {
	for i := range n {
		all = append(all, push(q, time.Duration(i)*5*ms, patience))
	}
	return all
}

func TestOnceOneIsLateTheNewestIsNext(t *testing.T) {
	var q Queue[int]
	q.pace = int64(100 * ms)
	all := crowd(&q, 20, s)
	patient := push(&q, 100*ms, 10*s)
	q.Leave(all[0], true)
	if !q.NewestFirst() {
		t.Fatal("in order, although one was late")
	}
	newest := push(&q, s, s)
	served(t, &q, s, newest, "the newest")
	served(t, &q, s, patient, "the one who can wait, in its turn,")
	served(t, &q, s, all[19], "the newest of those left")
	for q.Len() > 0 {
		q.Next(int64(s))
	}
	if q.NewestFirst() {
		t.Error("newest first, although the queue is empty")
	}
}

func TestAHeadWithLittleTimeLeftIsLate(t *testing.T) {
	var q Queue[int]
	q.pace, q.loan = int64(20*ms), int64(20*ms)
	all := crowd(&q, 60, s)
	served(t, &q, 900*ms, all[0], "the first")
	served(t, &q, 946*ms, all[59], "the newest, when the first has 59 ms left,")
}

func TestAQueueThatIsServedInTimeAgainIsInOrder(t *testing.T) {
	var q Queue[int]
	q.pace = int64(10 * ms)
	all := crowd(&q, 10, s) // 100 ms in order
	q.Leave(all[0], true)   // not for want of connections
	served(t, &q, s, all[9], "the newest of those who were there")
	if q.NewestFirst() {
		t.Error("those who come now would be served newest first")
	}
	first, second := push(&q, s, s), push(&q, s+1, s)
	served(t, &q, s, all[8], "the newest of the others")
	served(t, &q, s, first, "the first who came after it, in turns with these,")
	served(t, &q, s, all[7], "the newest of the others")
	served(t, &q, s, second, "the second who came after it")
}

func TestOneWithoutTimeForALoanIsPassedOver(t *testing.T) {
	var q Queue[int]
	q.loan = int64(30 * ms)
	for _, patience := range []time.Duration{20 * ms, 50 * ms} { // half of all loans take longer than is usual
		brief, long := push(&q, 0, patience), push(&q, 1, s)
		served(t, &q, 2, long, "the one with time for two loans")
		served(t, &q, 3, brief, "the one without, when no other waits,")
	}
}

func TestLoansAreMeasuredByTheUsualOne(t *testing.T) {
	var q Queue[int]
	for i := range 1000 {
		took := 10 * ms
		if i%50 == 0 {
			took = time.Minute
		}
		q.Loan(int64(took), false)
	}
	if usual := time.Duration(q.loan); usual < 8*ms || usual > 14*ms {
		t.Errorf("with one loan in fifty of a minute, and 10 ms else, %v is usual", usual)
	}
	before := q.loan
	for range 10 {
		q.Loan(int64(ms), true)
	}
	if q.loan != before {
		t.Error("a loan that was cut is taken for a short one")
	}
}

func TestWaitsEndInTime(t *testing.T) {
	var q Queue[int]
	wait := func(now, patience, still time.Duration) *Waiter[int] {
		w := q.Get()
		w.Since, w.Until, w.End, w.Patience = int64(now), int64(now+patience), int64(now+patience), int64(still)
		q.Push(w, int64(now), false)
		return w
	}
	long, restless, first := wait(0, 3*s, 0), wait(0, 9*s, 5*ms), wait(0, s, 0)
	mine := push(&q, 0, 10*ms)
	if next := q.Expire(int64(ms), 1, 2); next != int64(5*ms) {
		t.Errorf("to be called at %v", time.Duration(next))
	}
	if w := q.Next(int64(4 * ms)); w != long { // it moves
		t.Error("not the first")
	}
	q.Push(long, int64(4*ms), true)
	if next := q.Expire(int64(8*ms), 1, 2); next != int64(9*ms) || restless.Why != 0 {
		t.Errorf("to be called at %v", time.Duration(next))
	}
	if next := q.Expire(int64(9*ms), 1, 2); next != int64(s) || restless.Why != 2 {
		t.Errorf("to be called at %v", time.Duration(next))
	}
	if next := q.Expire(int64(s), 1, 2); next != int64(3*s) || first.Why != 1 || !mine.Queued() {
		t.Errorf("to be called at %v", time.Duration(next))
	}
	q.Fail(7)
	if long.Why != 7 || mine.Why != 7 || q.Len() != 0 || q.Expire(int64(s), 1, 2) != math.MaxInt64 {
		t.Error("not all have ended")
	}
	for _, w := range []*Waiter[int]{long, restless, first, mine} {
		if len(w.Ready) != 1 {
			t.Error("no token")
		}
	}
}

func TestACrowdLeavesLittleBehind(t *testing.T) {
	var q Queue[int]
	all := crowd(&q, 100_000, s)
	q.Fail(1)
	for _, w := range all {
		<-w.Ready
		q.Put(w)
	}
	if q.Kept() != most {
		t.Errorf("%d waiters are kept", q.Kept())
	}
	if allocs := testing.AllocsPerRun(100, func() {
		w := push(&q, 0, s)
		q.Next(0).Grant(1)
		<-w.Ready
		q.Put(w)
	}); allocs > 0 {
		t.Errorf("%v allocations for a wait", allocs)
	}
	defer func() {
		if recover() == nil {
			t.Error("a waiter can be put back twice")
		}
	}()
	w := q.Get()
	q.Put(w)
	q.Put(w)
}
