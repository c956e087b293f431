package sqlpool

// waiter is one acquire in the queue. Waiters are reused: their channel
// is what an acquire that blocks would otherwise allocate.
type waiter struct {
	next, prev *waiter

	// ready holds one token once conn or why has been set, under Pool.mu.
	ready chan struct{}
	conn  *Conn

	since     int64 // Pool.now when its acquire began
	shed      bool  // its time is not AcquireTimeout but ShedTarget
	impatient bool  // see expiry.go
	dialing   bool  // what it was waiting for when its time was over, if not a release

	queued bool
	why    ending // its time ended without a connection
}

// ending is the error with which a wait ended, in a byte: there may be many
// thousands of waiters.
type ending uint8

const (
	notEnded ending = iota
	endedByTimeout
	endedByShedding
	endedByStall
	endedByOutage
	endedByClose
)

func (e ending) err() error {
	switch e {
	case endedByTimeout:
		return ErrAcquireTimeout
	case endedByShedding:
		return ErrSaturated
	case endedByStall:
		return errImpatient
	case endedByOutage:
		return ErrUnavailable
	case endedByClose:
		return ErrClosed
	}
	return nil
}

// waiterQueue is first in, first out. Pool.mu protects it.
type waiterQueue struct {
	head, tail *waiter
	len        int
	free       *waiter // a stack of waiters to reuse, by next

	// emptyAt is Pool.now when the queue was last seen empty.
	emptyAt int64
}

func (q *waiterQueue) get() *waiter {
	w := q.free
	if w == nil {
		return &waiter{ready: make(chan struct{}, 1)}
	}
	q.free = w.next
	w.next = nil
	return w
}

// put takes back a waiter whose token has been received or was never sent.
func (q *waiterQueue) put(w *waiter) {
	w.conn, w.why, w.prev, w.dialing = nil, notEnded, nil, false
	w.next = q.free
	q.free = w
}

// push appends w, or puts it first: an acquire that was granted a connection
// which then proved dead has waited its turn already.
func (q *waiterQueue) push(w *waiter, first bool) {
	w.queued = true
	q.len++
	switch {
	case q.head == nil:
		q.head, q.tail = w, w
	case first:
		w.next, q.head.prev = q.head, w
		q.head = w
	default:
		w.prev, q.tail.next = q.tail, w
		q.tail = w
	}
}

func (q *waiterQueue) remove(w *waiter, now int64) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		q.head = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		q.tail = w.prev
	}
	w.next, w.prev, w.queued = nil, nil, false
	q.len--
	if q.len == 0 {
		q.emptyAt = now
	}
}

// fail ends every wait.
func (q *waiterQueue) fail(why ending, now int64) {
	for w := q.head; w != nil; w = q.head {
		q.remove(w, now)
		w.why = why
		w.ready <- struct{}{}
	}
}
