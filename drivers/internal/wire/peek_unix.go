//go:build linux || darwin

package wire

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"syscall"
)

// A peeker looks at the next byte of a socket without taking it.
type peeker struct {
	ctl  syscall.RawConn // nil: not a socket of the operating system
	recv func(fd uintptr)
	n    int
	err  error
	buf  [1]byte
}

func (p *peeker) init(raw net.Conn) {
	if s, ok := raw.(syscall.Conn); ok {
		p.ctl, _ = s.SyscallConn()
	}
	p.recv = p.receive // made once: a method value made at each look would allocate
}

func (p *peeker) look() error {
	if p.ctl == nil {
		return errors.ErrUnsupported
	}
	// Control, not Read: Read waits for a reader that is in there already, and
	// fails once a deadline has passed.
	if err := p.ctl.Control(p.recv); err != nil {
		return err
	}
	switch {
	case p.err == syscall.EAGAIN:
		return nil
	case p.err != nil:
		return p.err
	case p.n == 0:
		return io.EOF
	default:
		return driver.ErrSkip
	}
}

func (p *peeker) receive(fd uintptr) {
	for {
		p.n, _, p.err = syscall.Recvfrom(int(fd), p.buf[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if p.err != syscall.EINTR {
			return
		}
	}
}
