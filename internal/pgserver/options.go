package pgserver

// Options say how a private server is set up. The zero value is a server for tests: every user of this machine may log in
// without a password (on the loopback address; the socket's folder is closed to other users), no TLS, fsync off.
type Options struct {
	// MaxConnections is the server's max_connections, of which 3 are kept for superusers. 0 means 100.
	MaxConnections int

	// Durable turns fsync on, for measurements that should pay for it. Tests that kill the server do not need it:
	// without fsync an acknowledged commit is in the kernel's page cache, which outlives every kill -9 of a process. Only
	// a crash of the whole machine loses it.
	Durable bool

	// PasswordAuth makes TCP connections log in with a password (SCRAM-SHA-256), which [Server.Password] tells. The
	// socket needs none.
	PasswordAuth bool

	// TLS makes the server offer TLS on TCP with a certificate for 127.0.0.1 and localhost, signed by the authority in
	// [Server.CAFile]. Connections without TLS are still accepted.
	TLS bool

	// Settings are further lines of postgresql.conf, name to value; they win over this package's own.
	Settings map[string]string
}
