package queue

import "testing"

// A waiter whose caller ends its wait, and who bears no stall, is never told that
// its time is over, however late the queue looks.
func TestALateLookLeavesTheDeadlineToTheCaller(t *testing.T) {
	const timeout, stalled = 1, 2
	var q Queue[int]
	w := q.Get()
	w.Since, w.Until, w.End, w.Patience = 0, 10, 30, 5
	q.Push(w, 0, false)
	q.Expire(20, timeout, stalled)
	if w.Queued() || w.Why != stalled {
		t.Errorf("queued %v, why %d", w.Queued(), w.Why)
	}
}
