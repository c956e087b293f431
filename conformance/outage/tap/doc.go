// Package tap is a proxy between clients and one PostgreSQL that reads the protocol:
// it can lose exactly the reply of one statement, cut a connection before or
// within one, reset it, or drop all packets of the connections that are open now
// and of none opened later. General proxies see bytes and not statements, so
// they can only break what happens to be on its way.
//
// listen.go is the proxy, link.go forwards one connection, message.go finds the
// statements in it, fault.go says what can happen to one. Connections must not
// use TLS.
package tap
