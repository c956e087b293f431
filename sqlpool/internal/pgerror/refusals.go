package pgerror

import "strings"

// Poolers refuse in words of their own, under SQLSTATEs that mean something else
// on a server: PgBouncer says "protocol violation" of everything. The words tell
// whether a connection may be had later.

// refusalKind is what a refusal means for the next dial.
type refusalKind int8

const (
	refusedFull      refusalKind = iota // there is no room now
	refusedStarting                     // the server behind is not there now
	refusedPermanent                    // the next dial is refused too
)

func (k refusalKind) class() Class {
	if k == refusedPermanent {
		return Permanent
	}
	return Unavailable
}

func (k refusalKind) remedy() string {
	switch k {
	case refusedFull:
		return "the pooler is full: raise its limit of clients or lower MaxConns (pool_max_conns), and see who uses it"
	case refusedStarting:
		return "the pooler cannot reach its server: check the server behind it"
	default:
		return "the pooler refuses this user, database or setting: check the connection string and the pooler's configuration"
	}
}

// refusal is a row: an SQLSTATE and words of its message, in lower case. An empty
// state is any.
type refusal struct {
	state, words string
	kind         refusalKind
}

// refusals is the table, the first match wins. Sources: PgBouncer 1.18 to 1.25,
// src/client.c, objects.c and janitor.c (disconnect_client sends 08P01, its
// authentication failures 28P01 or 28000); pgcat 1.2, src/client.rs and
// messages.rs (58000); Odyssey 1.3, sources/frontend.c, od_frontend_cleanup and
// od_frontend (08006 is kiwi's KIWI_CONNECTION_FAILURE; 53300, 3D000 and 28P01 are as a
// server has them, and so not here); Supavisor 2,
// lib/supavisor/errors (XX000, newer ones with a code such as EMAXCONN in the
// text); the Amazon RDS user guide, "Troubleshooting for RDS Proxy",
// which has the texts without their SQLSTATEs (clients report 08000 for the first, 28000
// for those about logins).
var refusals = []refusal{
	// PgBouncer.
	{"08P01", "no more connections allowed", refusedFull}, // max_client_conn
	{"08P01", "client connections exceeded", refusedFull}, // max_user_client_connections, max_db_client_connections
	{"08P01", "query_wait_timeout", refusedFull},          // no server connection became free
	{"08P01", "too many servers in the pool", refusedFull},
	{"08P01", "bouncer resources exhaustion", refusedFull},
	{"08P01", "no memory", refusedFull},
	{"08P01", "too many connections", refusedFull},         // the server's word, passed on
	{"08P01", "remaining connection slots", refusedFull},   // the same
	{"08P01", "password authentication", refusedPermanent}, // the server's word for the pooler's own login, cached
	{"08P01", "server login has been failing", refusedStarting},
	{"08P01", "server login failed", refusedStarting},
	{"08P01", "cannot connect to server", refusedStarting},
	{"08P01", "connect failed", refusedStarting},
	{"08P01", "server conn crashed", refusedStarting},
	{"08P01", "server dns lookup failed", refusedStarting},
	{"08P01", "client_login_timeout", refusedStarting},
	{"08P01", "shutting down", refusedStarting},
	{"08P01", "pooler is paused", refusedStarting},
	{"08P01", "suspend_timeout", refusedStarting},
	{"08P01", "no such database", refusedPermanent},
	{"08P01", "no such user", refusedPermanent},
	{"08P01", "does not allow connections", refusedPermanent}, // the database is disabled
	{"08P01", "auth failed", refusedPermanent},
	{"08P01", "unsupported startup parameter", refusedPermanent},
	{"08P01", "ssl required", refusedPermanent},
	{"08P01", "login rejected", refusedPermanent},

	// pgcat.
	{"58000", "could not get connection from the pool - allserversdown", refusedStarting},
	{"58000", "could not get connection from the pool", refusedFull},
	{"58000", "the database system is shutting down", refusedStarting},
	{"58000", "terminating connection due to administrator command", refusedStarting},
	{"58000", "pooler configured with", refusedPermanent}, // no pool configured for the database and user
	{"58000", "no pool configured", refusedPermanent},

	// Odyssey.
	{"08006", "failed to connect to remote server", refusedStarting},
	{"08006", "failed to get remote server connection", refusedFull}, // none became free in pool_timeout
	{"28000", "replication lag too big", refusedStarting},

	// Supavisor.
	{"XX000", "max client connections reached", refusedFull}, // EMAXCONN
	{"XX000", "maxclientsinsessionmode", refusedFull},
	{"XX000", "unable to check out", refusedFull}, // from the pool, in time
	{"XX000", "tenant or user not found", refusedPermanent},
	{"XX000", "there is no user", refusedPermanent},
	{"XX000", "connection to database not available", refusedStarting},

	// RDS Proxy.
	{"", "timed-out waiting to acquire database connection", refusedFull},
	{"", "maximum number of client connections to the proxy exceeded", refusedFull},
	{"", "rate of connection to proxy exceeded", refusedFull},
	{"", "failed because of too many competing requests", refusedFull}, // of IAM authentication
	{"", "this rds proxy has no credentials for the role", refusedPermanent},
	{"", "this rds proxy requires tls connections", refusedPermanent},
}

// mayBeRefusal has the states for which it is worth to look at the words of an
// error.
var mayBeRefusal = map[string]bool{"08P01": true, "58000": true, "08000": true, "08006": true, "XX000": true, "28000": true, "53300": true}

// refusalOf returns the row for an error with that SQLSTATE, or nil.
func refusalOf(state string, err error) *refusal {
	if !mayBeRefusal[state] {
		return nil
	}
	text := strings.ToLower(err.Error())
	for i := range refusals {
		r := &refusals[i]
		if (r.state == state || r.state == "") && strings.Contains(text, r.words) {
			return r
		}
	}
	return nil
}
