// Package pgxv5 runs a sqlpool pool on pgx. [Connector] parses a connection
// string of any form that pgx knows (URL or key=value, several hosts, TLS,
// passfile, service) and its connections are those of pgx's package stdlib, with
// what the pool needs and stdlib does not offer:
//
//   - the socket can be asked whether the server is still there, how much was
//     sent, and why it failed (wire.go);
//   - Close returns when the server's side is gone, also when pgx closes in the
//     background after a cancelled context, and repeats pgx's cancel request,
//     which may have overtaken its statement;
//   - a connection is not used again while a cancel request may still reach it;
//   - an expired context is the caller's error, where pgx says ErrBadConn and
//     database/sql tries again;
//   - a connection on which AfterConnect fails is closed, where stdlib leaks it;
//   - BEGIN can travel with the first statement of its transaction (begin.go);
//   - stdlib never pings on its own: the pool decides when to ask.
//
// Importing the package registers "sqlpool-pgx" with database/sql (register.go): a pool
// on this driver, opened by name with its settings in the connection string. Package
// drivers/byname has the rest of that; the other driver is not linked.
//
// A connection's life, file by file: options.go, parse.go and connector.go open it, conn.go
// and stmt.go serve calls, wire.go answers the pool and closes, raw.go leads to
// *pgx.Conn.
package pgxv5
