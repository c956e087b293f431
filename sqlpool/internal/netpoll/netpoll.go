// Package netpoll has the Go runtime look at the network.
//
// The runtime looks when a processor has no goroutine left to run, and otherwise
// every ten milliseconds (findRunnable and sysmon in its proc.go). While the
// goroutines that run each wake another one before they wait, no processor gets
// there, and what the rest wait for lies in their sockets, unread.
package netpoll

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Wait returns when the runtime has looked at the network: whoever waited for
// what was there when Wait was called can run by then. Calls at the same time
// share a look. It takes some two microseconds, and as long as the goroutines
// that can run want to. Where the runtime cannot wait for a pipe (Windows), Wait
// lets those goroutines go first and no more. Any goroutine.
func Wait() { shared.wait() }

// Looks is how many looks there have been in this process. Any goroutine.
func Looks() uint64 { return shared.looks.Load() }

var shared poller

type poller struct {
	looks atomic.Uint64

	mu   sync.Mutex // one look at a time
	once sync.Once
	pipe *pipe // nil if there is none
}

func (p *poller) wait() {
	before := p.looks.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.looks.Load() != before {
		return // somebody else's, while this goroutine waited for the lock
	}
	p.once.Do(func() { p.pipe = newPipe() })
	if p.pipe == nil || !p.pipe.pass() {
		p.pipe = nil
		runtime.Gosched()
	}
	p.looks.Add(1)
}
