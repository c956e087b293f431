// Package netpoll has the Go runtime poll the network.
//
// The runtime polls when a processor has no goroutine left to run, and otherwise
// every ten milliseconds (findRunnable and sysmon in its proc.go). While the
// goroutines that run each wake another one before they wait, no processor gets
// there, and what the rest wait for lies in their sockets, unread.
package netpoll

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Wait returns when the runtime has polled the network: whoever waited for what
// was there when the poll began can run by then. Calls at the same time share a
// poll, which may have begun a little earlier. It takes some two microseconds, and
// as long as the goroutines that can run want to. Where the runtime cannot wait for
// a pipe (Windows), or none is to be had, Wait lets those goroutines go first and
// no more. The pipe stays open until the process ends. Any goroutine.
func Wait() { shared.wait() }

// Polls is how many polls Wait has had in this process. Any goroutine.
func Polls() uint64 { return shared.polls.Load() }

var shared poller

type poller struct {
	polls atomic.Uint64

	mu   sync.Mutex // one poll at a time
	once sync.Once
	pipe *pipe // nil if there is none
}

func (p *poller) wait() {
	before := p.polls.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.polls.Load() != before {
		return // somebody else's, while this goroutine waited for the lock
	}
	p.once.Do(func() { p.pipe = newPipe() })
	if p.pipe == nil || !p.pipe.pass() {
		p.pipe = nil
		runtime.Gosched()
	}
	p.polls.Add(1)
}
