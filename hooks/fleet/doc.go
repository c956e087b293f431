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
//     being opened or closed included. Room for one new member is kept. There are two
//     exceptions. When there are more members than connections, each has one. When several
//     members join a full fleet in the same moment, they exceed the limit by all but the
//     first of them, until the others have made room.
//   - A new member has one connection, and grows two intervals later, because it cannot
//     see which other members are joining. After a restart the same holds for
//     connections beyond those that a member had before.
//   - Each member gets what it wants as long as that fits; otherwise those that want
//     most are cut to one level. Connections that no member wants are divided evenly. A
//     member gives back only what another one lacks, so that shares are stable while
//     demand is.
//   - Pool.Shutdown gives a member's connections back at once, the end of a process two
//     intervals after its sessions have ended.
//   - A member that cannot read keeps its share. After one and a quarter intervals
//     without a reading it dials one connection at a time, and reads before the next.
//
// MaxConns, Group, Interval and AllDatabases must be the same in all members. Members
// with other limits do no harm, but each keeps its own.
//
// A pooler in between shares connections itself, and its sessions carry no locks from
// one transaction to the next: connections through it are refused. Use its own limits
// (max_db_connections of PgBouncer).
//
// The files: keys.go has the meaning of the locks, share.go divides the limit,
// member.go is the protocol, demand.go computes the demand of a pool, link.go has the
// SQL of one connection, fleet.go the hooks, status.go the status.
package fleet
