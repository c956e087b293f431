//go:build unix

package pgserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"sync"
)

// Server is a private PostgreSQL. Its methods may be called from several goroutines; those that stop, start or break it
// take turns. The embedded Console is connected to the database postgres as superuser.
type Server struct {
	*Console

	options  Options
	programs Programs
	account  account
	dir      string
	port     int
	log      serverLog
	watchdog *watchdog

	// mu makes starting, stopping and breaking the server one at a time. Questions to it never take mu.
	mu       sync.Mutex
	post     *postmaster // nil when stopped and cleared
	password string
	marks    int
}

// Start sets up a private server and returns when it accepts connections. The caller closes it; a process that dies
// without doing so leaves neither server nor folder behind. The error is [ErrNoPrograms] on a machine without PostgreSQL.
func Start(ctx context.Context, o Options) (*Server, error) {
	s, err := newServer(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := s.setUp(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// newServer makes the folder and the watchdog over it, and nothing else yet.
func newServer(ctx context.Context, o Options) (*Server, error) {
	programs, err := Find(ctx)
	if err != nil {
		return nil, err
	}
	user, err := serverAccount()
	if err != nil {
		return nil, err
	}
	dir, err := user.newFolder()
	if err != nil {
		return nil, err
	}
	dog, err := startWatchdog(user, dir)
	if err != nil {
		return nil, err
	}
	return &Server{options: o, programs: programs, account: user, dir: dir, watchdog: dog}, nil
}

func (s *Server) setUp(ctx context.Context) error {
	if err := createData(ctx, s.programs, s.account, s.dir); err != nil {
		return err
	}
	if s.options.TLS {
		if err := writeCertificate(s.dir, s.account); err != nil {
			return err
		}
	}
	if err := s.configure(ctx); err != nil {
		return err
	}
	if err := s.bootAnywhere(ctx); err != nil {
		return err
	}
	if s.options.PasswordAuth {
		return s.SetPassword(ctx, rand.Text())
	}
	return nil
}

// bootAnywhere boots the server on a port that is free, which only its own bind can tell.
func (s *Server) bootAnywhere(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for try := 0; ; try++ {
		s.port = freePort()
		err := s.bootLocked(ctx)
		if err == nil {
			s.Console = s.In("postgres")
			return nil
		}
		if try == 10 || !errors.Is(err, errPortUsed) {
			return err
		}
	}
}

// freePort avoids the range that the kernel gives to outgoing connections (from 32768 on Linux, 49152 on macOS). In it,
// while the server is down, a connection of another program could take the port, and a client that dials it could even be connected
// to itself.
func freePort() int {
	for range 100 {
		port := 20000 + mrand.IntN(12000)
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	return 5432 // the bind will say what is wrong
}

// In returns a console for one of the server's databases, as superuser.
func (s *Server) In(database string) *Console { return NewConsole(s.Socket().URL(database)) }

// SetPassword changes the superuser's password. Open sessions keep working; with [Options.PasswordAuth] new ones on TCP
// need the new one.
func (s *Server) SetPassword(ctx context.Context, password string) error {
	if err := s.Exec(ctx, "ALTER ROLE postgres PASSWORD "+quoteText(password)); err != nil {
		return fmt.Errorf("pgserver: setting the password: %w", err)
	}
	s.mu.Lock()
	s.password = password
	s.mu.Unlock()
	return nil
}

// Password is the superuser's password, empty without [Options.PasswordAuth].
func (s *Server) Password() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.password
}

// CAFile is the certificate of the authority that signed the server's, for sslrootcert. It exists with [Options.TLS].
func (s *Server) CAFile() string { return filepath.Join(s.dir, caFile) }

func (s *Server) data() string { return filepath.Join(s.dir, "data") }
