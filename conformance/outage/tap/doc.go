// Package tap is a proxy between clients and one PostgreSQL that reads along:
// it can lose exactly the reply of one statement, cut a connection before or
// within one, reset it, or let the network swallow the connections that are open
// now and none opened later. General proxies see bytes and not statements, so
// they can only break what happens to be on its way.
//
// listen.go accepts, link.go forwards one connection, message.go finds the
// statements in it, fate.go says what can happen to one. Connections must not
// use TLS.
package tap
