// Package wire is the socket under a driver's connection, as the adapters see it.
//
// A driver owns the protocol but hides the socket. A pool needs the socket for
// seven things that no driver offers: to see without a round trip whether the
// server is still there (Alive), to know whether a statement can have left
// (Sent) and whether a cancel request may still arrive (Settled), to end a call
// whose deadline has passed (Expire), to take a connection away from a
// caller that is stuck in it (Abort), to know when the server's side is gone (Finish), and to
// see to it that it goes (Insist). Both drivers let their user dial, so the adapters hand them
// a Conn from here and keep it.
//
// One Dialer belongs to one connection. What it opens before Establish is the
// connection (several in turn, with many hosts or sslmode=prefer); what it opens
// later is a cancel request.
package wire
