package contract

import (
	"context"
	"database/sql/driver"
	"net/url"
	"testing"
	"time"
)

// Server is the private PostgreSQL that the tests use, with TLS switched on.
// They stop it for moments. Its methods are those of pgserver.Server.
type Server interface {
	DSN(database string) string // as the others, see pgserver.Server
	Query(ctx context.Context, sql string) ([][]string, error)
	Pause() error
	Resume() error
}

// Conn is what an adapter's connection implements.
type Conn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator

	// The abilities that package sqlpool looks for: see its ability.go.
	Alive() error
	TxStatus() byte
	Sent() uint64
	HoldBegin() (progress func() (begun, sent bool))
	Running() bool
	Backend() (pid uint32, server, role string)
	LastError() error
	Abort() error
	Raw() driver.Conn
	CacheQueries() bool
	EndsStatements() bool
	TxContextEndsStatements() bool
}

// Connect opens a connector for a connection string.
type Connect func(dsn string) (driver.Connector, error)

// Run tests an adapter.
func Run(t *testing.T, server Server, connector Connect) {
	for _, tls := range []bool{false, true} {
		name := map[bool]string{false: "plain", true: "tls"}[tls]
		t.Run(name, func(t *testing.T) {
			s := &suite{server: server, connector: connector, tls: tls}
			t.Run("status", s.testTxStatus)
			t.Run("alive", s.testAlive)
			t.Run("sent", s.testSent)
			t.Run("backend", s.testBackend)
			t.Run("running", s.testRunning)
			t.Run("cost", s.testCost)
			t.Run("abort", s.testAbort)
			t.Run("close", s.testClose)
			t.Run("overtaken", s.testOvertaken)
			t.Run("finished", s.testFinishedCallsDeadline)
			t.Run("expired", s.testExpiredContext)
			t.Run("stopped", s.testStoppedServer)
			t.Run("dark", s.testDarkNetwork)
		})
	}
	s := &suite{server: server, connector: connector}
	t.Run("connect", s.testConnect)
	t.Run("silent", s.testSilentHost)
	t.Run("secrets", s.testSecrets)
}

type suite struct {
	server    Server
	connector Connect
	tls       bool
}

// patience is how long a test waits for what must happen: far longer than it
// takes. Nothing that passes waits for it.
const patience = 20 * time.Second

// slack is what a call may overrun its deadline by in a test, where a busy
// machine and the race detector count too. The promise is 50 ms; what it was is
// logged.
const slack = time.Second

// dsn returns a connection string with the application's name and further
// parameters, as name and value.
func (s *suite) dsn(t *testing.T, params ...string) string {
	t.Helper()
	u, err := url.Parse(s.server.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if !s.tls {
		q.Set("sslmode", "disable")
		q.Del("sslrootcert")
	}
	q.Set("application_name", t.Name())
	for i := 0; i < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// connect opens a connection that the test's end closes.
func (s *suite) connect(t *testing.T, params ...string) Conn {
	t.Helper()
	return s.connectTo(t, s.dsn(t, params...))
}

func (s *suite) connectTo(t *testing.T, dsn string) Conn {
	t.Helper()
	connector, err := s.connector(dsn)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	inner, err := connector.Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { inner.Close() })
	return inner.(Conn)
}
