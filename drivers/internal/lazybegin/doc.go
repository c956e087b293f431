// Package lazybegin lets BEGIN travel with the first statement of its transaction.
//
// A [Filter] stands between a driver and the stream to its server, above TLS. It
// answers the driver's BEGIN itself, keeps it, and writes it in front of what the
// driver sends next. The server's answer to BEGIN is taken out of the stream again.
// The driver sees a transaction that was begun; the server sees one round trip less.
//
// # What must never happen
//
// A statement must not run outside of its transaction: it would be committed on its
// own. So nothing may depend on BEGIN's success. BEGIN goes out as Parse, Bind and
// Execute without a Sync, in front of messages of the extended protocol. When BEGIN
// fails, the server ignores what follows up to the driver's Sync (PostgreSQL manual,
// "Extended Query"), so BEGIN's error is the answer to the statement. Only one Sync is
// sent before BEGIN has been answered.
//
// A simple query behind such a BEGIN would be ignored as well, but poolers count the
// answers that a client is owed, and lose count. So a simple query is sent in the
// extended protocol where that means the same (see extended), and otherwise waits
// until BEGIN, alone, has been answered.
//
// After a BEGIN that failed the server is outside of a transaction and the driver,
// which has been told 'E', inside of a failed one. The filter answers in the server's
// place then, as a server does in a failed transaction, until the driver ends it.
//
// # Files
//
// filter.go has the states, write.go what the driver sends, read.go what the server
// answers, failed.go a BEGIN that failed, text.go which texts may be sent in the
// extended protocol, message.go the protocol's form.
package lazybegin
