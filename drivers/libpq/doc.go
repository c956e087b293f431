// Package libpq runs a sqlpool pool on lib/pq. [Connector] parses a connection
// string of any form that lib/pq knows (URL or key=value, several hosts, TLS,
// passfile, service) and its connections are lib/pq's own with what the pool
// needs and lib/pq does not offer:
//
//   - calls end when their context ends, also when the server is silent or the
//     network drops everything (guard.go): lib/pq alone waits for ever;
//   - the socket can be asked whether the server is still there, how much was
//     sent, and why it failed (wire);
//   - a connection is not used again while a cancel request may still reach it;
//   - Close returns when the server's side is gone, and cancels what runs there until it is (cancel.go);
//   - the transaction status can be read (txstatus.go): lib/pq lends connections
//     on which a text BEGIN is open;
//   - BEGIN can travel with the first statement of its transaction, without TLS (begin.go).
//
// Importing the package registers "sqlpool-pq" with database/sql (register.go): a pool
// on this driver, opened by name with its settings in the connection string. Package
// drivers/byname has the rest of that; the other driver is not linked.
//
// A connection's life, file by file: options.go and connector.go open it,
// conn.go, stmt.go, copy.go and tx.go serve calls, by call.go, under the eye of guard.go,
// fitness.go, txstatus.go and wire.go answer the pool, cancel.go helps to close,
// raw.go leads to lib/pq's connection.
package libpq
