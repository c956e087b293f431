//go:build unix

package outage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/sqlpool/go/conformance/outage/bouncer"
	"github.com/sqlpool/go/conformance/outage/ledger"
	"github.com/sqlpool/go/conformance/outage/tap"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/internal/relay"
)

// A Scene is a server and what stands between it and the callers.
type Scene struct {
	Server  *pgserver.Server // the primary, or what was
	Standby *pgserver.Server
	Tap     *tap.Tap
	Net     *relay.Relay
	Bouncer *bouncer.Bouncer

	// Password is what callers log in with, as a program reads it from its store
	// of secrets before each dial; empty for none.
	Password atomic.Pointer[string]

	// Application is the name under which the server knows the callers.
	Application string

	endpoint pgserver.Endpoint
	also     []pgserver.Endpoint // further hosts
	cleanups []func() error
}

// NewScene starts a server with the table that callers write to.
func NewScene(ctx context.Context, o pgserver.Options) (*Scene, error) {
	server, err := pgserver.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Scene{Server: server, Application: "callers", cleanups: []func() error{server.Close}}
	s.endpoint = server.TCP()
	if o.PasswordAuth {
		password := server.Password()
		s.Password.Store(&password)
	}
	// No unique constraint: it would hide what is written twice.
	if err := server.Exec(ctx, "CREATE TABLE ledger (token bigint NOT NULL, caller int)"); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// DSN is how callers reach the scene. It is of the form key=value, in which both
// drivers know several hosts.
func (s *Scene) DSN() string {
	e := s.endpoint.With("application_name", s.Application).With("connect_timeout", "5")
	if len(s.also) == 0 {
		return e.KeyValue("postgres")
	}
	e = e.With("target_session_attrs", "read-write")
	hosts, ports := e.Host, strconv.Itoa(e.Port)
	for _, other := range s.also {
		hosts += "," + other.Host
		ports += "," + strconv.Itoa(other.Port)
	}
	return e.KeyValue("postgres") + " host=" + hosts + " port=" + ports // the last mention wins
}

// LogIn is the password for a dial made now, or "" when there are none.
func (s *Scene) LogIn() string {
	if password := s.Password.Load(); password != nil {
		return *password
	}
	return ""
}

// Callers picks the callers' sessions on the server. Behind a PgBouncer they do
// not say who they are, and there are no others.
func (s *Scene) Callers() pgserver.Filter {
	if s.Bouncer != nil {
		return pgserver.Filter{}
	}
	return pgserver.Filter{Application: s.Application}
}

// Primary is the server that takes writes now.
func (s *Scene) Primary(ctx context.Context) (*pgserver.Server, error) {
	for _, server := range []*pgserver.Server{s.Standby, s.Server} {
		if server == nil {
			continue
		}
		if rows, err := server.Query(ctx, "SELECT pg_is_in_recovery()"); err == nil && rows[0][0] == "f" {
			return server, nil
		}
	}
	return nil, errors.New("outage: no server takes writes")
}

// through has callers dial another loopback port from now on.
func (s *Scene) through(port int) { s.endpoint.Port = port }

// behind is where a proxy reaches the server.
func (s *Scene) behind() string {
	return net.JoinHostPort(s.endpoint.Host, strconv.Itoa(s.endpoint.Port))
}

// atEnd has f called by Close, the last one first.
func (s *Scene) atEnd(f func() error) { s.cleanups = append(s.cleanups, f) }

// Close takes everything down.
func (s *Scene) Close() error {
	var errs []error
	for _, f := range slices.Backward(s.cleanups) {
		errs = append(errs, f())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("outage: clearing up: %w", err)
	}
	return nil
}

// Seen is what the server knows of a ledger: how often each token is there.
func (s *Scene) Seen(ctx context.Context) (map[int64]int, error) {
	server, err := s.Primary(ctx)
	if err != nil {
		return nil, err
	}
	return ledger.Seen(ctx, server.Console)
}
