// Package fleet has the pools of many processes share one limit of connections.
//
// Each process of a service has a pool, and the server's max_connections is one: a
// limit for each process has to be set for the day on which most processes run. The
// members of a fleet agree on their limits through the database itself, without a
// table, a privilege, a connection of their own or another service:
//
//	f := fleet.New(fleet.Config{Group: "orders", MaxConns: 200})
//	pool, err := sqlpool.New(sqlpool.Config{Connector: connector, MaxConns: 200, Hooks: []sqlpool.Hooks{f.Hooks()}})
//
// (in a connection string: pool_fleet_max_conns=200 pool_fleet=orders). Each connection
// holds a shared advisory lock that names its member; one of each member's holds what
// the member allows itself and what it would like to have. pg_locks shows all of that
// to every role, and it goes with the sessions. Every Interval or sooner a member reads
// it, on a connection that is free for a moment, and resizes its pool.
//
// # What holds
//
//   - The server never sees more than MaxConns connections of the group, those that are
//     being opened or closed included. Room for one newcomer is kept. Two exceptions: when
//     there are more members than connections, each has one; and members that come to a
//     full fleet in the same moment exceed the limit by all but the first of them until
//     the others have made room.
//   - A newcomer has one connection, and grows two intervals later: it cannot see which
//     members are on their way. The same holds after a restart for what is more than a
//     member had before.
//   - Each member gets what it wants as long as that fits, else those that want most are
//     cut to one level. What no member wants is divided evenly. A member gives back only
//     what another one lacks, so that shares stand still while demand does.
//   - Pool.Shutdown gives a member's connections back at once, the end of a process two
//     intervals after its sessions have ended.
//   - A member that cannot read keeps its share. From one and a quarter intervals on it
//     dials one connection at a time, and reads before the next.
//
// MaxConns, Group, Interval and AllDatabases must be the same in all members. Members
// with other limits do not do harm, but each keeps its own.
//
// A pooler in between shares connections itself, and its sessions carry no locks from
// one transaction to the next: connections through it are refused. Use its own limits
// (max_db_connections of PgBouncer).
//
// A file each: keys.go says what the locks mean, share.go divides, member.go is the
// protocol, demand.go what a pool would like to have, link.go one connection of it in
// SQL, fleet.go the hooks, status.go what is shown.
package fleet
