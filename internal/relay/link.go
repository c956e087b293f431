package relay

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Link is one connection through a relay.
type Link struct {
	Client, Server *net.TCPConn
	N              int // the how-manieth of the relay, from 1

	relay *Relay
	dark  atomic.Bool
}

// Darken has the network swallow the connections that are open now, in both directions and without a word to either end.
// It returns how many there are.
func (r *Relay) Darken() int { return r.each(func(l *Link) { l.dark.Store(true) }) }

// Silence has the network take connections and swallow all that is sent, on open and on new ones, until Speak or Lighten.
func (r *Relay) Silence() { r.silent.Store(true) }

// Speak ends a Silence: what is sent from now on passes, and what was sent is lost.
func (r *Relay) Speak() { r.silent.Store(false) }

// Lighten ends darkness and silence: the ends of the connections that were in it learn, by a reset, that those are gone.
func (r *Relay) Lighten() {
	silent := r.silent.Swap(false)
	r.each(func(l *Link) {
		if silent || l.dark.Load() {
			l.Reset()
		}
	})
}

// Drip has the network pass one byte of the server's answers every 20 ms, or ends that.
func (r *Relay) Drip(on bool) { r.drips.Store(on) }

// Reset cuts the connections that are open now, each end with a TCP reset, and returns how many there are.
func (r *Relay) Reset() int { return r.each((*Link).Reset) }

// Dark reports whether what is sent now is to be swallowed.
func (l *Link) Dark() bool { return l.dark.Load() || l.relay.silent.Load() }

// Close closes both ends.
func (l *Link) Close() {
	_ = l.Client.Close()
	_ = l.Server.Close()
}

// Reset closes both ends with RST in place of FIN.
func (l *Link) Reset() {
	reset(l.Client)
	reset(l.Server)
}

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// Pass passes on what either end sends, and its end, until both have ended.
func (l *Link) Pass() {
	var up sync.WaitGroup
	up.Go(func() { l.pass(l.Server, l.Client) })
	l.pass(l.Client, l.Server)
	up.Wait()
}

func (l *Link) pass(to, from *net.TCPConn) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if l.Dark() {
			n = 0 // what was read is lost
		} else if err != nil {
			defer func() { _ = to.CloseWrite() }()
		}
		sent := buf[:n]
		for to == l.Client && l.relay.drips.Load() && len(sent) > 1 {
			_, _ = to.Write(sent[:1]) // the last one tells
			sent = sent[1:]
			time.Sleep(20 * time.Millisecond)
		}
		if _, gone := to.Write(sent); gone != nil {
			l.Close()
			return
		}
		if err != nil {
			return
		}
	}
}
