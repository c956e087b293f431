package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// rules are what check can advise, in the order of how much they matter. A rule that has nothing to say returns nil.
var rules = []func(*checkResult) *advice{
	adviseStatements, adviseFleet, adviseMaxConns, adviseServerFull, adviseSessionState, adviseStandby, adviseReplicas, adviseHosts, adviseTLS,
	adviseIdleSession, adviseSuperuser, adviseMinIdle, adviseIdleInTransaction, adviseStatementTimeout,
}

const (
	change   = "change"   // something will fail or is open to others
	consider = "consider" // it depends
)

func (r *checkResult) advise() {
	for _, s := range r.settings {
		if s.Note != "" {
			r.Advice = append(r.Advice, advice{"odd_setting", consider, s.Name, s.Note})
		}
	}
	if r.Server == nil {
		return
	}
	for _, rule := range rules {
		if a := rule(r); a != nil {
			r.Advice = append(r.Advice, *a)
		}
	}
	slices.SortStableFunc(r.Advice, func(a, b advice) int { return cmp.Compare(a.Level, b.Level) }) // change, then consider
}

// shares says that the pool's connections are not the server's.
func (r *checkResult) shares() bool {
	return r.Pooler != nil && (r.Pooler.Mode == "transaction" || r.Pooler.Mode == "statement")
}

func adviseStatements(r *checkResult) *advice {
	if !r.shares() || r.Pooler.Prepared == "yes" || r.Pool.Statements == "text" {
		return nil
	}
	known := "does not carry prepared statements from one server connection to the next"
	if r.Pooler.Prepared == "unknown" {
		known = "may not carry prepared statements from one server connection to the next"
	}
	return &advice{
		"statements", change,
		"pool_statements=text, and default_query_exec_mode=exec for pgx or binary_parameters=yes for lib/pq",
		"the pooler is in " + r.Pooler.Mode + " mode and " + known + ", so that some statements fail with 26000 or 42P05; " +
			"PgBouncer from 1.21 on carries them with max_prepared_statements above 0",
	}
}

func adviseSessionState(r *checkResult) *advice {
	if !r.shares() {
		return nil
	}
	return &advice{
		"session_state", consider, "no SET, LISTEN, advisory lock or temporary table outside a transaction",
		"in " + r.Pooler.Mode + " mode the next statement may be on another backend, and the next client on this one; " +
			"pool_max_conns then counts clients of the pooler (max_client_conn), not backends",
	}
}

func adviseStandby(r *checkResult) *advice {
	if !r.Server.Standby {
		return nil
	}
	return &advice{
		"standby", change, "target_session_attrs=read-write, with all hosts in the connection string",
		"this server is a standby and refuses writes; leave it as it is if the program only reads",
	}
}

func adviseHosts(r *checkResult) *advice {
	if r.hosts < 2 || r.attrs {
		return nil
	}
	return &advice{
		"hosts", consider, "target_session_attrs=read-write",
		fmt.Sprintf("%d hosts are given and the pool takes any of them: after a failover it may be on a standby, and every write fails", r.hosts),
	}
}

func adviseTLS(r *checkResult) *advice {
	for _, d := range r.Drivers {
		switch t := d.TLS; {
		case t == nil || t.Local:
		case !t.On:
			return &advice{
				"tls", change, "sslmode=verify-full",
				"passwords and data cross the network unencrypted",
			}
		case t.Verified == "nothing":
			return &advice{
				"tls", change, "sslmode=verify-full, with sslrootcert=FILE if the authority is your own",
				"the certificate is not verified: another machine could answer in the server's place",
			}
		case t.Expires != "" && soon(t.Expires):
			return &advice{
				"tls", change, "a new certificate on the server",
				"the current one is valid until " + t.Expires + " only; new connections fail after that",
			}
		}
	}
	return nil
}

// soon reports whether a day is less than a month away.
func soon(day string) bool {
	at, err := time.Parse(time.DateOnly, day)
	return err == nil && time.Until(at) < 30*24*time.Hour
}
