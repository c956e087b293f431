package pgerror

import (
	"fmt"
	"strings"
	"testing"
)

type said struct{ state, text string }

func (e said) Error() string    { return e.text }
func (e said) SQLState() string { return e.state }

// What each pooler says, as it arrives: inside a driver's error.
func TestEachRefusalOfAPoolerHasAClassAndARemedy(t *testing.T) {
	for _, tt := range []struct {
		state, text string
		class       Class
		remedy      string
	}{
		{"08P01", "no more connections allowed (max_client_conn)", Unavailable, "the pooler is full"},
		{"08P01", "no more connections allowed", Unavailable, "the pooler is full"},
		{"08P01", "client connections exceeded (max_db_client_connections)", Unavailable, "the pooler is full"},
		{"08P01", "query_wait_timeout", Unavailable, "the pooler is full"},
		{"08P01", "server login has been failing, try again later (server_login_retry)", Unavailable, "cannot reach its server"},
		{"08P01", "server login has been failing, cached error: FATAL: sorry, too many connections (server_login_retry)", Unavailable, "the pooler is full"},
		{"08P01", "server login has been failing, cached error: password authentication failed for user \"b\" (server_login_retry)", Permanent, "refuses this user"},
		{"08P01", "pgbouncer cannot connect to server", Unavailable, "cannot reach its server"},
		{"08P01", "server conn crashed?", Unavailable, "cannot reach its server"},
		{"08P01", "no such database: orders", Permanent, "refuses this user, database"},
		{"08P01", "unsupported startup parameter: extra_float_digits", Permanent, "refuses this user, database or setting"},
		{"08P01", "expected authentication response, got message type 88", Conn, "check the server's address"},
		{"58000", "could not get connection from the pool - AllServersDown", Unavailable, "cannot reach its server"},
		{"58000", "could not get connection from the pool", Unavailable, "the pooler is full"},
		{"58000", "No pool configured for database: \"a\", user: \"b\"", Permanent, "refuses this user"},
		{"58000", "could not fsync file", Statement, ""},
		{"08006", "odyssey: c1: failed to connect to remote server s2", Unavailable, "cannot reach its server"},
		{"08006", "odyssey: c1: failed to get remote server connection", Unavailable, "the pooler is full"},
		{"28000", "odyssey: c1: replication lag too big, connection rejected: a b", Unavailable, "cannot reach its server"},
		{"53300", "odyssey: too many tcp connections", Unavailable, "max_connections"},
		{"XX000", "(EMAXCONN) max client connections reached, limit: 200", Unavailable, "the pooler is full"},
		{"XX000", "MaxClientsInSessionMode: max clients reached", Unavailable, "the pooler is full"},
		{"XX000", "Tenant or user not found", Permanent, "refuses this user"},
		{"XX000", "cache lookup failed for type 16390", Statement, ""},
		{"08000", "Timed-out waiting to acquire database connection.", Unavailable, "the pooler is full"},
		{"28000", "The IAM authentication failed because of too many competing requests.", Unavailable, "the pooler is full"},
		{"28000", "This RDS Proxy requires TLS connections", Permanent, "refuses this user"},
		{"28000", "This RDS Proxy has no credentials for the role app", Permanent, "refuses this user"},
	} {
		err := fmt.Errorf("failed to connect: %w", said{tt.state, "FATAL: " + tt.text})
		if got := Classify(err); got != tt.class {
			t.Errorf("%s %q is %v, want %v", tt.state, tt.text, got, tt.class)
		}
		if got := Remedy(err); !strings.Contains(got, tt.remedy) {
			t.Errorf("%s %q: %q, want %q", tt.state, tt.text, got, tt.remedy)
		}
	}
}

func TestEveryRowOfTheTableCanBeFound(t *testing.T) {
	for i := range refusals {
		r := &refusals[i]
		state := r.state
		if state == "" {
			state = "28000"
		}
		if got := refusalOf(state, said{state, strings.ToUpper(r.words)}); got != r {
			t.Errorf("%q is hidden by %+v", r.words, got)
		}
	}
}
