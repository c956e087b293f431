//go:build unix

package outage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/sqlpool/go/conformance/outage/bouncer"
)

// Partial failures: new connections are refused while those that are open work.

// manyClients is a limit that no test meets; working is how many connections work
// in a partial failure.
const (
	manyClients = 200
	working     = 5
)

func throughFullBouncer(ctx context.Context, s *Scene) error {
	b, err := bouncer.Start(ctx, s.endpoint.Port, working)
	if err != nil {
		return err
	}
	s.Bouncer = b
	s.atEnd(b.Close)
	s.through(b.Port())
	return nil
}

func asLimitedRole(ctx context.Context, s *Scene) error {
	err := s.Server.Exec(ctx, fmt.Sprintf("CREATE ROLE app LOGIN CONNECTION LIMIT %d; GRANT INSERT ON ledger TO app", working))
	s.endpoint.User = "app"
	return err
}

func forgetPassword(ctx context.Context, s *Scene) error {
	const next = "the second password"
	return s.Server.SetPassword(ctx, next)
}

func closeDoor(_ context.Context, s *Scene) error { return s.door.shut() }

// door forwards connections until it is shut; those that are open then stay so.
// While it is dark it accepts everything and passes nothing.
type door struct {
	net.Listener
	dark     atomic.Bool
	accepted atomic.Int64 // connections so far
	mu       sync.Mutex
	open     []net.Conn
}

func throughDoor(_ context.Context, s *Scene) error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("outage: %w", err)
	}
	d := &door{Listener: l}
	s.door = d
	go d.serve(net.JoinHostPort(s.endpoint.Host, strconv.Itoa(s.endpoint.Port)))
	s.atEnd(d.close)
	s.through(l.Addr().(*net.TCPAddr).Port)
	return nil
}

func (d *door) serve(upstream string) {
	for {
		from, err := d.Accept()
		if err != nil {
			return
		}
		d.accepted.Add(1)
		to, err := net.Dial("tcp4", upstream)
		if err != nil {
			_ = from.Close()
			continue
		}
		d.mu.Lock()
		d.open = append(d.open, from, to)
		d.mu.Unlock()
		for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
			go func() {
				_, _ = io.Copy(lightly{way[1], &d.dark}, way[0])
				_, _ = way[0].Close(), way[1].Close()
			}()
		}
	}
}

// lightly drops what is written while it is dark.
type lightly struct {
	io.Writer
	dark *atomic.Bool
}

// Write implements io.Writer.
func (w lightly) Write(b []byte) (int, error) {
	if w.dark.Load() {
		return len(b), nil
	}
	return w.Writer.Write(b)
}

// lighten ends the darkness and every connection that has been in it.
func (d *door) lighten() {
	d.dark.Store(false)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.open {
		_ = c.Close()
	}
	d.open = nil
}

func (d *door) shut() error { return d.Listener.Close() }

func (d *door) close() error {
	if err := d.Listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.open {
		_ = c.Close()
	}
	return nil
}
