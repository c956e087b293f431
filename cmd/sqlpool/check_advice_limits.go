package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

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
	if r.shares() || r.Fleet != nil || r.Server.MaxConnections == 0 {
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
