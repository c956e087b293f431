// Package queue decides which of many callers gets the next connection: who
// waits, in what order, and until when. It knows no pool and no driver, has no
// clock, no lock and no goroutine: the time is an argument of every method, and
// the caller holds one lock around all of them.
//
// # The order
//
// First in, first out, as long as every caller is served in time. A queue that
// stands is no overload by itself: 200 workers on four connections wait a
// hundred loans each, for ever and without an error.
//
// First in, first out is the wrong order as soon as waiters run out of time. The
// queue is then as long as their deadline, its head is always the caller with the
// least time left, that caller's statement is cut in the middle, and the work is
// lost. So when a waiter's time has run out, or the head has little more left
// than a few loans take, waiters like it are served newest first: they have the
// most time left. Those that are passed over keep their place and get what is
// left when the load falls.
//
// Waiters like it are those whose whole time is at most twice as long. Others
// that are willing to wait much longer are served first in, first out, in turns
// with these: one health check with a deadline of 100 ms must not put 200 workers
// without deadlines in an order in which the oldest waits for ever.
//
// First in, first out comes back when it would serve those waiters in three
// quarters of their time, by the pace at which waiters were served last, or when
// the queue is empty: newest first keeps a queue of callers that come back at
// once from ever being served in time again.
package queue
