package sqlpool

import (
	"fmt"
	"strings"
	"testing"
)

type stated struct{ state, text string }

func (e stated) Error() string    { return e.text }
func (e stated) SQLState() string { return e.state }

// What each pooler says, as it arrives: inside a driver's error.
func TestEachRefusalOfAPoolerHasAClassAndARemedy(t *testing.T) {
	for _, tt := range []struct {
		state, text string
		class       Class
		remedy      string
	}{
		{"08P01", "no more connections allowed (max_client_conn)", ClassUnavailable, "the pooler is full"},
		{"08P01", "no more connections allowed", ClassUnavailable, "the pooler is full"},
		{"08P01", "client connections exceeded (max_db_client_connections)", ClassUnavailable, "the pooler is full"},
		{"08P01", "query_wait_timeout", ClassUnavailable, "the pooler is full"},
		{"08P01", "server login has been failing, try again later (server_login_retry)", ClassUnavailable, "cannot reach its server"},
		{"08P01", "server login has been failing, cached error: FATAL: sorry, too many connections (server_login_retry)", ClassUnavailable, "the pooler is full"},
		{"08P01", "server login has been failing, cached error: password authentication failed for user \"b\" (server_login_retry)", ClassPermanent, "refuses this user"},
		{"08P01", "pgbouncer cannot connect to server", ClassUnavailable, "cannot reach its server"},
		{"08P01", "server conn crashed?", ClassUnavailable, "cannot reach its server"},
		{"08P01", "no such database: orders", ClassPermanent, "refuses this user, database"},
		{"08P01", "unsupported startup parameter: extra_float_digits", ClassPermanent, "refuses this user, database or setting"},
		{"08P01", "expected authentication response, got message type 88", ClassConn, "check the server's address"},
		{"58000", "could not get connection from the pool - AllServersDown", ClassUnavailable, "cannot reach its server"},
		{"58000", "could not get connection from the pool", ClassUnavailable, "the pooler is full"},
		{"58000", "No pool configured for database: \"a\", user: \"b\"", ClassPermanent, "refuses this user"},
		{"58000", "could not fsync file", ClassStatement, ""},
		{"08006", "odyssey: c1: failed to connect to remote server s2", ClassUnavailable, "cannot reach its server"},
		{"08006", "odyssey: c1: failed to get remote server connection", ClassUnavailable, "the pooler is full"},
		{"28000", "odyssey: c1: replication lag too big, connection rejected: a b", ClassUnavailable, "cannot reach its server"},
		{"53300", "odyssey: too many tcp connections", ClassUnavailable, "max_connections"},
		{"XX000", "(EMAXCONN) max client connections reached, limit: 200", ClassUnavailable, "the pooler is full"},
		{"XX000", "MaxClientsInSessionMode: max clients reached", ClassUnavailable, "the pooler is full"},
		{"XX000", "Tenant or user not found", ClassPermanent, "refuses this user"},
		{"XX000", "cache lookup failed for type 16390", ClassStatement, ""},
		{"08000", "Timed-out waiting to acquire database connection.", ClassUnavailable, "the pooler is full"},
		{"28000", "The IAM authentication failed because of too many competing requests.", ClassUnavailable, "the pooler is full"},
		{"28000", "This RDS Proxy requires TLS connections", ClassPermanent, "refuses this user"},
		{"28000", "This RDS Proxy has no credentials for the role app", ClassPermanent, "refuses this user"},
	} {
		err := fmt.Errorf("failed to connect: %w", stated{tt.state, "FATAL: " + tt.text})
		if got := classify(err); got != tt.class {
			t.Errorf("%s %q is %v, want %v", tt.state, tt.text, got, tt.class)
		}
		if got := remedy(err); !strings.Contains(got, tt.remedy) {
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
		if got := refusalOf(state, stated{state, strings.ToUpper(r.words)}); got != r {
			t.Errorf("%q is hidden by %+v", r.words, got)
		}
	}
}
