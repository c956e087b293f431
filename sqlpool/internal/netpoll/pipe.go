package netpoll

import (
	"os"
	"syscall"
)

// pipe is one that is empty but during a pass.
type pipe struct {
	r, w *os.File
	raw  syscall.RawConn // of r

	// The next are here and not in pass so that a pass allocates nothing.
	step   func(fd uintptr) (done bool)
	sent   bool
	failed error
	token  [1]byte
}

// newPipe returns nil when the system has none to give.
func newPipe() *pipe {
	r, w, err := os.Pipe()
	if err != nil {
		return nil
	}
	p := &pipe{r: r, w: w}
	if p.raw, err = r.SyscallConn(); err != nil {
		p.close()
		return nil
	}
	p.step = p.send
	return p
}

// pass sends a byte through the pipe and has the runtime find it, by a poll
// of everything else too. It reports whether it did; the pipe is closed if
// it did not.
func (p *pipe) pass() bool {
	p.sent, p.failed = false, nil
	err := p.raw.Read(p.step)
	if err == nil && p.failed == nil {
		_, err = p.r.Read(p.token[:])
	}
	if err != nil || p.failed != nil {
		p.close()
		return false
	}
	return true
}

// send is called by RawConn.Read until it says that it is done; after the first
// time the runtime waits until there is something to read. It writes only then:
// of what was there before, another processor may have told already, and nobody
// would tell again.
func (p *pipe) send(uintptr) bool {
	if p.sent {
		return true
	}
	p.sent = true
	_, p.failed = p.w.Write(p.token[:])
	return p.failed != nil
}

func (p *pipe) close() {
	_ = p.r.Close() // nobody else has them, and there is nothing in them to lose
	_ = p.w.Close()
}
