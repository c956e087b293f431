package queue

// look is how many waiters are looked at for one with enough time left.
const look = 8

// choose returns the waiter to be served next.
func (q *Queue[T]) choose(now int64) *Waiter[T] {
	if w := q.fair.head; w != nil && w.rest(now) < min(3*q.loan, w.whole()/4) {
		q.press(w.whole()) // the next ones would be too late
	}
	if q.bound > 0 && int64(q.Len())*q.pace < 3*q.bound/8 {
		q.bound = 0
	}
	pressed := q.fair.head == nil
	if !pressed && q.pressed.head != nil {
		q.turn = !q.turn
		pressed = q.turn
	}
	if pressed {
		return q.fit(q.pressed.tail, now)
	}
	return q.fit(q.fair.head, now)
}

// fit returns the first waiter from w on with enough time for two loans as they
// usually are: half of all loans take longer than is usual, and a statement that is
// cut may cost its connection. Where none has, it returns the one with the most: it
// refuses no caller that may be served in time yet.
func (q *Queue[T]) fit(w *Waiter[T], now int64) *Waiter[T] {
	best := w
	for range look {
		if w == nil {
			break
		}
		if w.rest(now) > 2*q.loan {
			return w
		}
		if w.rest(now) > best.rest(now) {
			best = w
		}
		if w.list == &q.fair {
			w = w.next
		} else {
			w = w.prev
		}
	}
	return best
}

// press has waiters that can wait about as long as one that has waited in vain
// served newest first.
func (q *Queue[T]) press(whole int64) {
	if 2*whole <= q.bound || q.Len() == 0 {
		return
	}
	q.bound = 2 * whole
	place := q.pressed.head // the first one that came later than those moved so far
	for w := q.fair.head; w != nil; {
		this := w
		w = w.next
		if this.whole() > q.bound {
			continue
		}
		for place != nil && place.Since <= this.Since {
			place = place.next
		}
		q.fair.remove(this)
		q.pressed.insert(this, place)
	}
}
