package onehost

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Host{
		"db2": {"db2", 0}, "db2:5433": {"db2", 5433}, "10.0.0.1:1": {"10.0.0.1", 1}, "[::1]": {"::1", 0}, "[fe80::1%eth0]:5432": {"fe80::1%eth0", 5432},
		"/run/pg": {"/run/pg", 0}, "/run/pg:5433": {"/run/pg", 5433}, "a_b-c.example.:65535": {"a_b-c.example.", 65535},
	} {
		got, ok := Parse(text)
		if !ok || got != want || got.String() != text {
			t.Errorf("%s is %+v (%s), %v, want %+v", text, got, got, ok, want)
		}
	}
	for _, text := range []string{
		"", ":", ":5432", "db2:", "db2:0", "db2:65536", "db2:+1", "db2:x", "::1", "[::1", "[]", "[::1]5432", "[::1]:", "[db2]", "[10.0.0.1]", "u@db2", "db2/x", "db2,db3",
		"db 2", "@abstract", "postgres://db2", "db2?x=1", "/run/pg:x", "/run/it's", "dß2", "db2%20", "/run/a\\",
	} {
		if got, ok := Parse(text); ok {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func TestBeside(t *testing.T) {
	tcp, other, socket := Host{"db1", 5433}, Host{"db4", 5434}, Host{"/run/pg", 5433}
	for _, c := range []struct {
		h    Host
		own  []Host
		want string // an address, or a part of the error
	}{
		{Host{"db2", 0}, []Host{tcp}, "db2:5433"},
		{Host{"db2", 1}, []Host{tcp, other}, "db2:1"},
		{Host{"/run/pg2", 0}, []Host{socket}, "/run/pg2:5433"},
		{Host{"db2", 0}, []Host{tcp, other}, "different ports; give db2 a port (db2:5432)"},
		{Host{"/run/pg2", 1}, []Host{tcp}, "it is a Unix socket, and the host of the connection string is not"},
		{Host{"db2", 1}, []Host{tcp, socket}, "is a Unix socket, and this one is not, so that nothing is said of its TLS"},
	} {
		got, err := c.h.Beside(c.own)
		if refused := (*Error)(nil); err != nil && !errors.As(err, &refused) {
			t.Errorf("%T", err)
		}
		if err == nil && got.String() != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v beside %v: %v, %v, want %s", c.h, c.own, got, err, c.want)
		}
	}
}
