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
	"github.com/sqlpool/go/internal/pgserver"
)

// Partial failures: new connections are refused while those that are open work.

// manyClients is a limit that no test meets; working is how many connections work
// in a partial failure.
const (
	manyClients = 200
	working     = 5
)

// A Partial is one way in which new connections are refused.
type Partial struct {
	Name    string
	What    string // in one sentence
	Options pgserver.Options

	// Route sets up what the failure needs between callers and server; nil is a
	// direct way.
	Route func(ctx context.Context, s *Scene) error

	// Whole is Route without the failure; nil is a direct way.
	Whole func(ctx context.Context, s *Scene) error

	// Break has every new connection refused once working ones are open.
	Break func(ctx context.Context, s *Scene) error
}

// Partials are all of them.
func Partials() []Partial {
	return []Partial{
		{Name: "pooler full", What: "PgBouncer has max_client_conn clients (08P01).", Route: throughFullBouncer, Whole: throughBouncer},
		{Name: "role full", What: "The role's CONNECTION LIMIT is reached (53300).", Route: asLimitedRole},
		{Name: "password changed", What: "The password changed and callers do not know the new one (28P01).",
			Options: pgserver.Options{PasswordAuth: true}, Break: forgetPassword},
		{Name: "listener gone", What: "Nothing listens any more; what is open stays open.", Route: throughDoor,
			Break: func(_ context.Context, s *Scene) error { return s.door.shut() }},
	}
}

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
	err := s.Server.Exec(ctx, fmt.Sprintf("CREATE ROLE app LOGIN CONNECTION LIMIT %d", working))
	s.endpoint.User = "app"
	return err
}

func forgetPassword(ctx context.Context, s *Scene) error {
	const next = "the second password"
	return s.Server.SetPassword(ctx, next)
}

// door forwards connections until it is shut; those that are open then stay so.
// While it is dark it accepts everything and passes nothing.
type door struct {
	net.Listener
	dark atomic.Bool
	mu   sync.Mutex
	open []net.Conn
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
