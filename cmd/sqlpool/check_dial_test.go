package main

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
)

func TestCheckSaysWhyThereIsNoConnection(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{PasswordAuth: true})
	if err := server.Exec(t.Context(), "CREATE ROLE single LOGIN PASSWORD 'hunter2' CONNECTION LIMIT 0"); err != nil {
		t.Fatal(err)
	}
	silent, rude := listen(t, nil), listen(t, func(c net.Conn) { _ = c.Close() })
	deaf := unanswered(t)
	wrong, full, missing := server.TCP(), server.TCP(), server.TCP()
	wrong.Password, full.User, full.Password = "hunter2", "single", "hunter2"
	for _, test := range []struct{ dsn, reason, remedy string }{
		{"postgres://me:hunter2@127.0.0.1:1/db?sslmode=disable", "nothing listens there", "listen_addresses"},
		{"postgres://me:hunter2@no-such-host.invalid/db?sslmode=disable", "the server's name cannot be resolved", "resolver"},
		{"postgres://me:hunter2@/db?sslmode=disable&host=/no/such/folder", "there is no such Unix socket", "unix_socket_directories"},
		{"postgres://me:hunter2@127.0.0.1:" + silent + "/db?sslmode=disable&pool_connect_timeout=0.2", "accepts the connection and does not answer at 127.0.0.1:" + silent, "no firewall is in the way"},
		{"postgres://me:hunter2@127.0.0.1:" + deaf + "/db?sslmode=disable&pool_connect_timeout=0.2", "there is no answer in time", "firewall may drop"},
		{"postgres://me:hunter2@127.0.0.1:" + rude + "/db?sslmode=disable", "accepts the connection and closes it", "PostgreSQL"},
		{wrong.URL("postgres"), "the server refuses the password", "PGPASSWORD"},
		{full.URL("postgres"), "the server is full", "max_connections"},
		{missing.URL("no_such_database"), "there is no such database", "create"},
		{server.TCP().With("sslmode", "require").URL("postgres"), "does not speak TLS", "ssl"},
		{server.TCP().With("no_such_parameter", "1").URL("postgres"), "does not know a parameter", "begin with pool_ (pool_max_conns). If only one driver fails"},
	} {
		found := checked(t, exitFailed, test.dsn)
		for _, d := range found.Drivers {
			if !strings.Contains(d.Error, test.reason) || !strings.Contains(d.Remedy, test.remedy) {
				t.Errorf("%s: %s: %s\n%s", test.reason, d.Driver, d.Error, d.Remedy)
			}
			if strings.Contains(d.Error, server.Password()) {
				t.Errorf("the password is shown: %s", d.Error)
			}
		}
	}

	// One of two hosts is enough for a driver, and a variable is as good as an argument.
	// In a URL lib/pq takes "a:1,b:2" for one name.
	two := server.TCP()
	two.Host = "127.0.0.1,127.0.0.1"
	t.Setenv("DATABASE_URL", strings.Replace(two.KeyValue("postgres"), "port='", "port='1,", 1))
	found := checked(t, exitOK)
	if got := ids(found, consider, "hosts"); got != "hosts " {
		t.Errorf("advice: %+v", found.Advice)
	}
	status, stdout, stderr := start(t, nil, "check", "host=a", "--dsn", "host=b", "--instances", "0")
	if status != exitUsage || stdout != "" || !strings.Contains(stderr, "two databases are given") || !strings.Contains(stderr, "--instances is 0") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

// listen accepts connections and hands them to answer, which may be nil, until the test ends.
func listen(t *testing.T, answer func(net.Conn)) (port string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	go func() {
		defer close(done)
		var open []net.Conn
		for {
			conn, err := l.Accept()
			if err != nil {
				break
			}
			if open = append(open, conn); answer != nil {
				answer(conn)
			}
		}
		for _, conn := range open {
			_ = conn.Close()
		}
	}()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// unanswered is a port whose dials are never answered, as behind a firewall that drops packets: its queue is full, and the
// system drops what else comes.
func unanswered(t *testing.T) (port string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port = strconv.Itoa(name.(*syscall.SockaddrInet4).Port)
	for range 10 { // until one is not answered any more
		conn, err := net.DialTimeout("tcp4", "127.0.0.1:"+port, 300*time.Millisecond)
		if err != nil {
			return port
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Fatal("the system answers dials of a queue that is full")
	return ""
}
