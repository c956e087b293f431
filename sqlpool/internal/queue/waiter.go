package queue

// A Waiter is one caller in the queue. Waiters are reused: the channel is what a
// caller that blocks would otherwise allocate.
type Waiter[T any] struct {
	// Ready holds one token once Got or Why has been set.
	Ready chan struct{}

	Got T     // what it waited for
	Why uint8 // or the reason why it got nothing, in the numbers of the queue's owner; never zero then

	Since    int64 // when its call began
	Until    int64 // when its time is over
	End      int64 // when Expire ends the wait: not before Until, and later where its caller does that then, by Leave
	Patience int64 // for how long it bears a queue that does not move; zero: until its time is over

	list       *list[T] // where it is, or nil
	kept       bool     // it is among those to be reused
	next, prev *Waiter[T]
}

// Grant gives a waiter that Next has returned what it waited for.
func (w *Waiter[T]) Grant(v T) {
	w.Got = v
	w.Ready <- struct{}{}
}

// Queued reports whether the waiter is in the queue still.
func (w *Waiter[T]) Queued() bool { return w.list != nil }

// whole is how long the waiter can wait in all.
func (w *Waiter[T]) whole() int64 { return w.Until - w.Since }

func (w *Waiter[T]) rest(now int64) int64 { return w.Until - now }

// most is how many waiters are kept for reuse: more than are ever in the queue of
// a pool that is well, and some 200 KiB.
const most = 1024

// Get returns a waiter that is in no queue.
func (q *Queue[T]) Get() *Waiter[T] {
	w := q.free
	if w == nil {
		return &Waiter[T]{Ready: make(chan struct{}, 1)}
	}
	q.free, w.next, w.kept = w.next, nil, false
	q.kept--
	return w
}

// Put takes back a waiter whose token has been received or was never sent. It
// panics when it has the waiter already: two callers would share it.
func (q *Queue[T]) Put(w *Waiter[T]) {
	if w.kept || w.list != nil {
		panic("queue: a waiter is put back twice, or while it waits")
	}
	if q.kept == most {
		return
	}
	*w = Waiter[T]{Ready: w.Ready, next: q.free, kept: true}
	q.free = w
	q.kept++
}

// Kept is how many waiters are there for Get.
func (q *Queue[T]) Kept() int { return q.kept }

// list holds waiters, the oldest first.
type list[T any] struct {
	head, tail *Waiter[T]
	len        int
}

// insert puts w in front of before, or at the end if that is nil.
func (l *list[T]) insert(w, before *Waiter[T]) {
	w.list, w.next = l, before
	l.len++
	if before == nil {
		w.prev, l.tail = l.tail, w
	} else {
		w.prev, before.prev = before.prev, w
	}
	if w.prev == nil {
		l.head = w
	} else {
		w.prev.next = w
	}
}

func (l *list[T]) remove(w *Waiter[T]) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.head = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		l.tail = w.prev
	}
	w.list, w.next, w.prev = nil, nil, nil
	l.len--
}
