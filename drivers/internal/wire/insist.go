package wire

import (
	"context"
	"time"
)

// Insist asks the server again and again to cancel what runs on a connection
// that is being closed, until stop or the deadline. ask sends one cancel request
// and waits for the server to deal with it; its context ends with stop. A request
// that is slow does not hold up the next one, and stop waits for none.
//
// One request is not enough. It travels on a socket of its own and can overtake
// the statement: a backend that is still idle, or between two messages of one
// statement, drops it, and then the statement runs to its end with nobody there
// to read it. Nor does the end of the stream stop the backend, which looks at
// its socket when it wants to read or write.
//
// The first request comes after first, the next one half a grace later, and each
// further one after twice that time: within 500 ms of a server nearby at 0, 10,
// 30, 70, 150 and 310 ms from then.
func (c *Conn) Insist(first time.Duration, deadline time.Time, ask func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	go func() {
		timer := time.NewTimer(first)
		defer timer.Stop()
		for pause := c.grace / 2; ; pause *= 2 {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			// A backend that the request finds must have a reason to exit next. The
			// driver may have been unable to say goodbye.
			c.hangUp()
			go func() { _ = ask(ctx) }() // whether it was heard shows on the connection itself
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
