// Package fleet makes the pools of many processes share one limit of connections.
//
// Each process of a service has its own pool, but all share the server's
// max_connections. A limit for each process must be right for the day on which most
// processes run. The members of a fleet agree on their limits through the database
// itself, without a table, a privilege, a connection of their own or another service:
//
//	f := fleet.New(fleet.Config{Group: "orders", MaxConns: 200})
//	pool, err := sqlpool.New(sqlpool.Config{Connector: connector, MaxConns: 200, Hooks: []sqlpool.Hooks{f.Hooks()}})
//
// (in a connection string: pool_fleet_max_conns=200 pool_fleet=orders). Each connection
// holds a shared advisory lock that names its member. One connection of each member
// also holds locks that publish the member's share and its demand. pg_locks shows these
// locks to every role, and they end with the sessions. At least once in each Interval a
// member reads them, on a connection that is free for a moment, and resizes its pool.
//
// # What holds
//
//   - The server never sees more than MaxConns connections of the group, those that are
//     being opened or closed included. For this, room for new members is kept: one place
//     and a quarter of the members, two at least, but at most an eighth of MaxConns, and
//     of what no member wants a quarter more.
//   - A new member that finds no place closes its connection and tries again until the
//     others have made room, for four intervals at most. So the limit is exceeded only
//     where there are more members than connections (each has one then); by members that
//     have found no place for four intervals, because loans do not end; and, when more
//     new members come in one moment than room is kept for, for the time of one login
//     and one reading.
//   - A new member has one connection, and grows one and a half intervals later, because it cannot
//     see which other members are joining. After a restart the same holds for
//     connections beyond those that a member had before.
//   - Shares follow demand within two intervals as a rule, and three where the demand of all
//     changes at once, as far as loans end. They follow a member
//     that comes, and one whose process ends without Shutdown, within two and a half.
//   - Each member gets what it wants as long as that fits; otherwise those that want
//     most are cut to one level. Connections that no member wants are divided evenly. A
//     member gives back only what another one lacks, so that shares are stable while
//     demand is.
//   - Pool.Shutdown gives a member's connections back at once, the end of a process one
//     and a half intervals after its sessions have ended.
//   - A member that cannot read keeps its share. After one and a quarter intervals
//     without a reading it dials one connection at a time, and reads before the next.
//
// MaxConns, Group, Interval and AllDatabases must be the same in all members. Each keeps
// its own limit: while some have a lower one than the others have connections, these
// join after four intervals.
//
// A pooler in between shares connections itself, and its sessions carry no locks from
// one transaction to the next: connections through it are refused. Use its own limits
// (max_db_connections of PgBouncer).
//
// The files: keys.go has the meaning of the locks, share.go divides the limit, member.go
// is the protocol, with acquaintance.go for what other members count for and grant.go for
// what a pool may do between two turns. demand.go computes the demand of a pool, link.go
// has the SQL of one connection, turn.go has the pool take turns, fleet.go and moments.go
// are the hooks, status.go the status.
package fleet
