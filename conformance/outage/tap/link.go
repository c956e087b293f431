package tap

import (
	"bufio"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/sqlpool/go/internal/relay"
)

// errFault ends a link that met its fault.
var errFault = errors.New("tap: cut")

// link is one connection through the proxy: two goroutines, one for each
// direction.
type link struct {
	*relay.Link
	tap  *Tap
	lost atomic.Int32 // a Fault: what becomes of the server's next answer

	// Only the goroutine that reads the client uses these.
	texts map[string]string // of prepared statements, by name
	bound string            // the text of the statement bound last
}

func (l *link) forward() {
	var up sync.WaitGroup
	up.Go(func() {
		if err := l.requests(); err != nil {
			l.Close()
			return
		}
		if !l.Dark() {
			_ = l.Server.CloseWrite()
		}
	})
	if err := l.answers(); err != nil {
		l.Close()
	} else if !l.Dark() {
		_ = l.Client.CloseWrite()
	}
	up.Wait()
}

// requests forwards what the client says. Nil means that the client has
// finished.
func (l *link) requests() error {
	in := bufio.NewReader(l.Client)
	m, err := readStartup(in)
	for err == nil {
		if !l.Dark() {
			if err := l.request(m); err != nil {
				return err
			}
		}
		m, err = readMessage(in)
	}
	return nil
}

// request forwards one message, unless its fault is another.
func (l *link) request(m message) error {
	fault := Forward
	if sql, executes := l.follow(m); executes {
		if plan := l.tap.plan.Load(); plan != nil {
			fault = (*plan)(sql)
		}
		if fault != Forward {
			l.tap.broken.Add(1)
		}
	}
	switch fault {
	case CutBefore:
		return errFault
	case CutWithin:
		_, _ = l.Server.Write(m.raw[:len(m.raw)/2])
		return errFault
	case CutUncommitted:
		if m.kind == 'E' {
			_, _ = l.Server.Write(m.raw)
		}
		return errFault
	case LoseReply, HalveReply, Silence:
		l.lost.Store(int32(fault))
	}
	_, err := l.Server.Write(m.raw)
	return err
}

// answers forwards what the server says. Nil means that the server has
// finished.
func (l *link) answers() error {
	in := bufio.NewReader(l.Server)
	out := bufio.NewWriter(l.Client)
	for first := true; ; {
		m, err := readMessage(in)
		if err != nil {
			return out.Flush()
		}
		fault := Fault(l.lost.Load())
		switch {
		case l.Dark() || fault == Silence:
			continue
		case fault == LoseReply || fault == HalveReply && !first:
			if m.kind == 'Z' {
				_ = out.Flush()
				return errFault
			}
			continue
		case fault == HalveReply:
			first = false
		}
		_, _ = out.Write(m.raw)
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}
