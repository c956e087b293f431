package wire

import (
	"context"
	"time"
)

// Insist asks the server again to cancel what runs on a connection that is being
// closed, until stop or the deadline. ask sends one cancel request and waits for the
// server to deal with it; its context ends with stop, which does not wait for it.
//
// The driver's own request is not enough. It travels on a socket of its own and can
// overtake the statement: a backend that is still idle, or between two messages of one
// statement, drops it, and then the statement runs to its end although no client reads
// its rows. The end of the stream does not stop the backend, which looks at its socket
// when it wants to read or write.
//
// Each request costs the server a process, 5 to 15 ms of its postmaster's time, in
// which it accepts no client. So none is sent while the server has not dealt with
// the one before, and there are few. Where the statement was sent so short a time
// before that it may have been overtaken, the first request comes after first, the
// next one half a grace later and each further one after four times that time: within
// 500 ms of a server nearby at 0, 10, 50 and 210 ms. Elsewhere they come after 4 and
// 20 graces, at 80 and 400 ms.
func (c *Conn) Insist(first time.Duration, deadline time.Time, ask func(context.Context) error) (stop func()) {
	pause := c.grace / 2
	if idle := time.Since(c.dialed) - time.Duration(c.sentAt.Load()); idle > 4*c.grace {
		first, pause = 4*c.grace, 16*c.grace
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	go func() {
		timer := time.NewTimer(first)
		defer timer.Stop()
		for ; ; pause *= 4 {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			// A backend that the request finds must have a reason to exit next. The
			// driver may have been unable to say goodbye.
			c.hangUp()
			if c.Settled() {
				go func() { _ = ask(ctx) }() // whether it was heard shows on the connection itself
			}
			timer.Reset(pause)
		}
	}()
	return cancel
}

// hangUp ends the stream to the server, and leaves the one from it open. To a
// backend that reads its next command that means goodbye.
func (c *Conn) hangUp() {
	if half, ok := c.raw.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // it fails on a stream that has ended
	}
}
