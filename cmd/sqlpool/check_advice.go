package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rules are what check can advise, in the order of how much they matter. A rule that has nothing to say returns nil.
var rules = []func(*checkResult) *advice{
	adviseStatements, adviseMaxConns, adviseServerFull, adviseSessionState, adviseStandby, adviseHosts, adviseTLS,
	adviseIdleSession, adviseSuperuser, adviseMinIdle, adviseIdleInTransaction, adviseStatementTimeout,
}

const (
	change   = "change"   // something will fail or is open to others
	consider = "consider" // it depends
)

func (r *checkResult) advise() {
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
		"the pooler is in " + r.Pooler.Mode + " mode and " + known + ", so that statements fail with 26000 or 42P05 now and then; " +
			"PgBouncer from 1.21 on carries them with max_prepared_statements above 0",
	}
}

// usable is how many connections are left to roles like this one, and what bounds them.
func (s *serverCheck) usable() (n int, bound string) {
	n, bound = s.MaxConnections, "max_connections"
	if !s.Superuser {
		n, bound = n-s.Reserved, fmt.Sprintf("max_connections less %d reserved", s.Reserved)
	}
	for _, limit := range []struct {
		n    int
		name string
	}{
		{s.RoleLimit, fmt.Sprintf("the connection limit of role %q", s.Role)},
		{s.DatabaseLimit, fmt.Sprintf("the connection limit of database %q", s.Database)},
	} {
		if limit.n >= 0 && limit.n < n && !s.Superuser {
			n, bound = limit.n, limit.name
		}
	}
	return n, bound
}

// byOthers counts the connections of other roles, which no instance of this program will replace.
func (s *serverCheck) byOthers() (n int) {
	for _, u := range s.Users {
		if u.Role != s.Role {
			n += u.Connections
		}
	}
	return n
}

func adviseMaxConns(r *checkResult) *advice {
	if r.shares() || r.Server.MaxConnections == 0 {
		return nil
	}
	usable, bound := r.Server.usable()
	spare := max(3, usable/10) // for a psql, a migration, a rolling deployment
	share := max((usable-r.Server.byOthers()-spare)/r.Instances, 1)
	if r.Pool.MaxConns <= share {
		return nil
	}
	return &advice{
		"max_conns", change, fmt.Sprintf("pool_max_conns=%d", share),
		fmt.Sprintf("%d instances with %d connections each want %d; of %d (%s) other roles use %d now, and %d should stay free",
			r.Instances, r.Pool.MaxConns, r.Instances*r.Pool.MaxConns, usable, bound, r.Server.byOthers(), spare),
	}
}

func adviseServerFull(r *checkResult) *advice {
	usable, _ := r.Server.usable()
	if r.shares() || usable == 0 || r.Server.Used*5 < usable*4 {
		return nil
	}
	return &advice{
		"server_full", consider, "fewer connections per client, or a pooler in front of all of them",
		fmt.Sprintf("%d of %d connections are taken now; the next client may be refused with 53300", r.Server.Used, usable),
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
		fmt.Sprintf("%d hosts are named and any will do: after a failover the pool may sit on a standby and every write fails", r.hosts),
	}
}

func adviseTLS(r *checkResult) *advice {
	for _, d := range r.Drivers {
		switch t := d.TLS; {
		case t == nil || t.Local:
		case !t.On:
			return &advice{
				"tls", change, "sslmode=verify-full",
				"passwords and data cross the network in the clear",
			}
		case t.Verified == "nothing":
			return &advice{
				"tls", change, "sslmode=verify-full, with sslrootcert=FILE if the authority is your own",
				"the certificate is not verified: whoever answers in the server's place is believed",
			}
		case t.Expires != "" && soon(t.Expires):
			return &advice{
				"tls", change, "a new certificate on the server",
				"the present one is valid until " + t.Expires + " only; new connections fail after that",
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

func adviseIdleSession(r *checkResult) *advice {
	limit := r.Server.limit("idle_session_timeout")
	if limit == 0 {
		return nil
	}
	return &advice{
		"idle_session", change, fmt.Sprintf("pool_keepalive=%v", max(limit/3, time.Second)),
		fmt.Sprintf("the server ends sessions that are idle for %v (idle_session_timeout), the pool's idle connections among them", limit),
	}
}

func adviseSuperuser(r *checkResult) *advice {
	if !r.Server.Superuser {
		return nil
	}
	return &advice{
		"superuser", change, "a role of the program's own",
		fmt.Sprintf("%q is a superuser: it also takes the %d reserved connections, so that a full server lets no operator in, and nothing limits what it may do",
			r.Server.Role, r.Server.Reserved),
	}
}

func adviseMinIdle(r *checkResult) *advice {
	const slow = 50.0 // milliseconds
	for _, d := range r.Drivers {
		if d.Error == "" && d.ConnectMS >= slow && r.Pool.MinIdle*4 < r.Pool.MaxConns {
			return &advice{
				"min_idle", consider, fmt.Sprintf("pool_min_idle=%d", (r.Pool.MaxConns+3)/4),
				fmt.Sprintf("a new connection takes %.0f ms: more of them ready keep that away from a burst's callers", d.ConnectMS),
			}
		}
	}
	return nil
}

func adviseIdleInTransaction(r *checkResult) *advice {
	if _, told := r.Server.Settings["idle_in_transaction_session_timeout"]; !told || r.Server.limit("idle_in_transaction_session_timeout") > 0 {
		return nil
	}
	return &advice{
		"idle_in_transaction", consider, fmt.Sprintf("ALTER ROLE %s SET idle_in_transaction_session_timeout = '5min'", quoteIdentifier(r.Server.Role)),
		"a transaction that a program forgets keeps its locks and holds vacuum back for ever; the pool names its holder but does not end it",
	}
}

func adviseStatementTimeout(r *checkResult) *advice {
	if _, told := r.Server.Settings["statement_timeout"]; !told || r.Server.limit("statement_timeout") > 0 {
		return nil
	}
	return &advice{
		"statement_timeout", consider, fmt.Sprintf("ALTER ROLE %s SET statement_timeout = '60s'", quoteIdentifier(r.Server.Role)),
		"contexts bound a statement as long as the program lives and the network holds; this bounds it on the server whatever happens",
	}
}

// limit is a setting in milliseconds as a duration; 0 when it is off or not told.
func (s *serverCheck) limit(name string) time.Duration {
	n, err := strconv.Atoi(strings.TrimSuffix(s.Settings[name], "ms"))
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Millisecond
}

func quoteIdentifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
