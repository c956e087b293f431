package contract

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
)

func (s *suite) testConnect(t *testing.T) {
	t.Run("the second host when the first refuses", func(t *testing.T) {
		u, err := url.Parse(s.dsn(t))
		if err != nil {
			t.Fatal(err)
		}
		refusing, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(refusing.Addr().String())
		refusing.Close()
		dsn := "host=" + u.Hostname() + "," + u.Hostname() + " port=" + port + "," + u.Port() +
			" user=" + u.User.Username() + " dbname=postgres sslmode=disable target_session_attrs=read-write"
		c := s.connectTo(t, dsn)
		exec(t, c, "SELECT 1")
		if err := c.Alive(); err != nil {
			t.Error(err)
		}
	})

	t.Run("whether it wants a primary", func(t *testing.T) {
		for attrs, want := range map[string]bool{
			"read-write": true, "primary": true, "any": false, "read-only": false, "standby": false, "prefer-standby": false,
		} {
			connector, err := s.connector("host=h user=u dbname=d sslmode=disable target_session_attrs=" + attrs)
			if err != nil {
				t.Fatal(err)
			}
			if got := connector.(interface{ ReadWrite() bool }).ReadWrite(); got != want {
				t.Errorf("target_session_attrs=%s: ReadWrite() is %v", attrs, got)
			}
		}
	})

	t.Run("a server that hangs up", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		}()
		for _, mode := range []string{"disable", "require"} {
			connector, err := s.connector("postgres://u@" + listener.Addr().String() + "/db?sslmode=" + mode)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = connector.Connect(context.Background()); err == nil || errors.Is(err, driver.ErrBadConn) {
				t.Errorf("sslmode=%s: %v, want an error that is not ErrBadConn", mode, err)
			}
		}
	})

	t.Run("no such database", func(t *testing.T) {
		connector, err := s.connector(s.server.DSN("nowhere"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = connector.Connect(context.Background())
		var state interface{ SQLState() string }
		if !errors.As(err, &state) || state.SQLState() != "3D000" {
			t.Errorf("%v: want SQLSTATE 3D000", err)
		}
	})
}

func (s *suite) testSecrets(t *testing.T) {
	for _, dsn := range []string{
		"postgres://u:hunter2xyz@h:port/db",
		"postgres://u:hun/ter2xyz@h/db",
		"postgres://u:hunter2xyz@h/db?connect_timeout=soon",
		"host=h password=hunter2xyz port=none",
		"host=h password='hunter2xyz port=5432",
	} {
		_, err := s.connector(dsn)
		if err == nil {
			t.Errorf("%q is accepted", dsn)
			continue
		}
		for _, piece := range []string{"hun", "ter2", "xyz"} {
			if strings.Contains(err.Error(), piece) {
				t.Errorf("%q: the error shows %q: %v", dsn, piece, err)
			}
		}
	}
	connector, err := s.connector("postgres://u:hunter2xyz@127.0.0.1:1/db?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connector.Connect(context.Background()); err == nil || strings.Contains(err.Error(), "hunter2xyz") {
		t.Errorf("a refused connect: %v", err)
	}
}
