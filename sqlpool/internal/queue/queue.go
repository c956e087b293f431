package queue

import "math"

// Queue holds those who wait. The zero Queue is empty and ready for use.
type Queue[T any] struct {
	fair    list[T] // served oldest first
	pressed list[T] // served newest first

	// bound is the longest whole time with which a waiter is pressed: twice that of
	// the one that ran out. Zero: all who come are served in order.
	bound int64
	turn  bool // the pressed were served last, where there are others too

	loan   int64 // what a loan usually takes, zero while that is not known
	pace   int64 // between two grants while there is a queue
	pacing int64 // since when the next one is measured
	moved  int64 // when a waiter was last granted something

	free *Waiter[T] // a stack of waiters to reuse, by next
	kept int        // how many
}

// Len is how many wait.
func (q *Queue[T]) Len() int { return q.fair.len + q.pressed.len }

// NewestFirst reports whether some of those who come now are served newest first.
func (q *Queue[T]) NewestFirst() bool { return q.bound > 0 }

// Oldest returns when the call of the longest waiter began.
func (q *Queue[T]) Oldest() (since int64, ok bool) {
	since = math.MaxInt64
	for _, w := range []*Waiter[T]{q.fair.head, q.pressed.head} {
		if w != nil {
			since, ok = min(since, w.Since), true
		}
	}
	return since, ok
}

// Push puts w in the queue. One that comes again, because what it was granted was
// no good, is the next to be served.
func (q *Queue[T]) Push(w *Waiter[T], now int64, again bool) {
	if q.Len() == 0 {
		q.pacing = now
	}
	switch {
	case w.whole() <= q.bound:
		q.pressed.insert(w, nil)
	case again:
		q.fair.insert(w, q.fair.head)
	default:
		q.fair.insert(w, nil)
	}
}

// Next takes out the waiter whose turn it is, for the caller to give it what it
// waited for, or returns nil when none waits.
func (q *Queue[T]) Next(now int64) *Waiter[T] {
	if q.Len() == 0 {
		return nil
	}
	w := q.choose(now)
	q.pace += (now - q.pacing - q.pace) / 16
	q.moved, q.pacing = now, now
	q.remove(w)
	return w
}

// Leave takes out a waiter whose caller has gone; late says that its time was
// over.
func (q *Queue[T]) Leave(w *Waiter[T], late bool) {
	fair := w.list == &q.fair
	q.remove(w)
	if late && fair {
		q.press(w.whole())
	}
}

// Fail ends every wait.
func (q *Queue[T]) Fail(why uint8) {
	for q.Len() > 0 {
		w := q.fair.head
		if w == nil {
			w = q.pressed.head
		}
		q.end(w, why)
	}
}

// Moves says that a connection is about to come: patience begins anew.
func (q *Queue[T]) Moves(now int64) { q.moved = now }

// Expire ends the waits whose time is over with why, and those out of patience
// with stalled. It returns when it is to be called next, or the end of time.
func (q *Queue[T]) Expire(now int64, why, stalled uint8) (next int64) {
	next = math.MaxInt64
	var whole int64 // of those that ran out
	for _, l := range []*list[T]{&q.fair, &q.pressed} {
		for w := l.head; w != nil; {
			this := w
			w = w.next
			switch at := q.Expires(this); {
			case now < at:
				next = min(next, at)
			case now < this.End:
				q.end(this, stalled)
			default:
				if l == &q.fair {
					whole = max(whole, this.whole())
				}
				q.end(this, why)
			}
		}
	}
	if whole > 0 {
		q.press(whole)
	}
	return next
}

// Expires returns when w is to be looked at.
func (q *Queue[T]) Expires(w *Waiter[T]) int64 {
	if w.Patience == 0 {
		return w.End
	}
	since := w.Since
	if w.list == &q.fair { // where a queue that moves comes to its turn
		since = max(since, q.moved)
	}
	return min(w.End, since+w.Patience)
}

// Loan notes how long a loan took while others waited. One that its borrower's
// deadline cut would have taken longer. What is kept is near the median, because
// a mean would take one loan of a minute for what is usual.
func (q *Queue[T]) Loan(took int64, cut bool) {
	switch {
	case q.loan == 0 && !cut:
		q.loan = took
	case took > q.loan:
		q.loan += q.loan/8 + 1
	case !cut:
		q.loan -= q.loan / 8
	}
}

func (q *Queue[T]) end(w *Waiter[T], why uint8) {
	q.remove(w)
	w.Why = why
	w.Ready <- struct{}{}
}

func (q *Queue[T]) remove(w *Waiter[T]) {
	w.list.remove(w)
	if q.Len() == 0 {
		q.bound = 0
	}
}
