package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// ErrAborted is what reads and writes end with after Abort.
var ErrAborted = errors.New("connection aborted")

var errHeld = errors.New("connection held")

// lateness is how long reads and writes that begin after Expire may take in all:
// enough to take what has arrived, little enough to keep the overrun of a
// deadline, which the grace has used already, below 50 ms.
const lateness = 10 * time.Millisecond

// past is a deadline that ends what is blocked now.
var past = time.Unix(1, 0)

// Grace returns how long a server that was dialed in took may use, after a
// deadline, to answer the cancel request: four round trips, within limits. The
// lower one is for a server nearby, where it leaves a caller's deadline overrun
// below 50 ms with room for a machine that is busy with others; there, a cancelled
// connection of pgx was gone, cancel request and all, within 12 ms. The upper one
// keeps a slow dial from undoing every deadline.
func Grace(took time.Duration) time.Duration {
	return min(max(4*took, 20*time.Millisecond), 250*time.Millisecond)
}

// Interrupted is the reason of a call that was ended here because its context
// had ended and the server did not answer. It unwraps to the context's Err
// and Cause.
type Interrupted struct{ Err, Cause error }

// Interruption returns the reason for a call whose context has ended.
func Interruption(ctx context.Context) *Interrupted {
	return &Interrupted{Err: ctx.Err(), Cause: context.Cause(ctx)}
}

// Error implements error.
func (e *Interrupted) Error() string {
	// A cause that wraps the context's error says more than it: only the error
	// itself, which is what context.Cause returns for want of a cause, is no news.
	if e.Cause == nil || e.Cause == e.Err { //nolint:errorlint // see above: errors.Is would hide such a cause
		return fmt.Sprintf("connection cut, the server did not answer in time: %v", e.Err)
	}
	return fmt.Sprintf("connection cut, the server did not answer in time: %v (%v)", e.Err, e.Cause)
}

// Unwrap leads to the context's error and cause.
func (e *Interrupted) Unwrap() []error { return []error{e.Err, e.Cause} }

// Timeout implements net.Error's half that callers ask for.
func (e *Interrupted) Timeout() bool { return errors.Is(e.Err, context.DeadlineExceeded) }

// Abort cuts the connection: what is blocked in it returns at once, and Finish
// does not wait for the server. Any goroutine, any number of times.
func (c *Conn) Abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.aborted = true
	c.stopLocked(ErrAborted)
}

// Stop ends reads and writes with err, now and from now on. Unlike after Abort,
// Finish still waits for the server. Any goroutine.
func (c *Conn) Stop(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopLocked(err)
}

// StopAfter stops the connection after d, unless over is called before. When over
// has returned, it does so no more: a timer that fires late, on a busy machine, would
// hit the next call.
func (c *Conn) StopAfter(d time.Duration, err error) (over func()) {
	var once sync.Once // over waits for a stop that has begun
	timer := time.AfterFunc(d, func() { once.Do(func() { c.Stop(err) }) })
	return func() {
		timer.Stop()
		once.Do(func() {})
	}
}

func (c *Conn) stopLocked(err error) {
	if h := c.halt.Load(); h == nil || h.err == errHeld {
		c.halt.Store(&stop{err})
	}
	c.raw.SetDeadline(past) // the driver cannot move it back: setDeadline ignores it from here on
}

// Expire ends the read or write that is blocked now, with err. If none is, one
// that comes before Revive may still take what has arrived. So a deadline that passes when the answer is already here costs
// nothing. Any goroutine.
func (c *Conn) Expire(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.halt.Load() != nil {
		return
	}
	c.late.Store(&stop{err})
	c.lateUntil = time.Time{}
	c.raw.SetDeadline(past)
}

// Revive undoes an Expire that nothing was blocked by.
func (c *Conn) Revive() {
	if c.late.Load() == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.late.Swap(nil) != nil && c.halt.Load() == nil {
		c.raw.SetDeadline(c.limit)
	}
}

// Hold runs f with all reads and writes refused.
func (c *Conn) Hold(f func()) {
	held := &stop{errHeld}
	if c.halt.CompareAndSwap(nil, held) {
		defer c.halt.CompareAndSwap(held, nil)
	}
	f()
}

var errGuarded = errors.New("a write past the transaction whose BEGIN has not been sent: nothing was sent, and the connection is given up")

// Guard says whether a write ends the connection. It is on while a BEGIN is held above
// the socket: what found a way past it would run outside of its transaction.
func (c *Conn) Guard(on bool) { c.guarded.Store(on) }

// ready says whether a read or write may begin.
func (c *Conn) ready(op string) error {
	if h := c.halt.Load(); h != nil {
		return c.opError(op, h.err)
	}
	if c.late.Load() != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.late.Load() != nil && c.lateUntil.IsZero() && c.halt.Load() == nil {
			c.lateUntil = time.Now().Add(lateness)
			c.raw.SetDeadline(c.lateUntil)
		}
	}
	return nil
}

// failed gives an error of the network its reason.
func (c *Conn) failed(op string, err error) error {
	timeout := errors.Is(err, os.ErrDeadlineExceeded)
	if late := c.late.Load(); late != nil && timeout {
		c.Stop(late.err)
	}
	if h := c.halt.Load(); h != nil {
		return c.opError(op, h.err)
	}
	if !timeout {
		c.fault.CompareAndSwap(nil, &stop{err})
	}
	return err
}

// opError has the type that drivers take for a failed network: lib/pq would
// keep a connection on which it saw any other.
func (c *Conn) opError(op string, err error) error {
	local, remote := c.raw.LocalAddr(), c.raw.RemoteAddr()
	e := &net.OpError{Op: op, Source: local, Addr: remote, Err: err}
	if local != nil {
		e.Net = local.Network()
	}
	return e
}

// Grace returns how long the server may use to answer a cancel request.
func (c *Conn) Grace() time.Duration { return c.grace }
