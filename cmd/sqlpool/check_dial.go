package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"
)

// dialReasons say what an error of a dial means and what to do about it. The first that fits holds.
var dialReasons = []struct {
	fits           func(error) bool
	reason, remedy string
}{
	{
		as[*net.DNSError], "the server's name cannot be resolved",
		"Check the host in the connection string, and that this machine's resolver knows it.",
	},
	{
		is(syscall.ECONNREFUSED), "nothing listens there (connection refused)",
		"Is the server running, is the port right, and does listen_addresses have an address that this machine can reach?",
	},
	{
		is(fs.ErrNotExist), "there is no such Unix socket, or a file that the connection string names is missing",
		"Is the server running on this machine, and is its unix_socket_directories the folder given as host?",
	},
	{
		is(syscall.EHOSTUNREACH, syscall.ENETUNREACH), "no route leads there",
		"Check the address, and the network between here and there.",
	},
	{
		sqlState("28P01"), "the server refuses the password",
		"Check user and password, and where the password comes from: connection string, PGPASSWORD or passfile.",
	},
	{
		sqlState("28000"), "the server refuses this user from this address",
		"pg_hba.conf needs a line for this user, database, address and kind of connection (TLS or not); reload the server after it.",
	},
	{sqlState("3D000"), "there is no such database", "Check the database's name, or create it."},
	{
		sqlState("53300"), "the server is full",
		"All of its max_connections are in use, or the limit of the role or the database is reached: SELECT * FROM pg_stat_activity as a superuser shows by which clients.",
	},
	{sqlState("57P03"), "the server is starting up, shutting down or recovering", "Wait for it; a pool waits by itself."},
	{
		says("unsupported startup parameter"), "a pooler in between refuses a startup parameter",
		"Remove it from the connection string, or add it to ignore_startup_parameters of PgBouncer, which then drops it.",
	},
	{
		says("unrecognized configuration parameter"), "the server does not know a parameter of the connection string",
		"Is it misspelt, or a setting of the pool? Those begin with pool_ (pool_max_conns). If only one driver fails, it is a parameter of the " +
			"other (binary_parameters of lib/pq, default_query_exec_mode of pgx): choose that with --driver.",
	},
	{
		as[x509.UnknownAuthorityError], "the server's certificate is signed by an authority that is not trusted here",
		"Give its certificate with sslrootcert=FILE.",
	},
	{
		as[x509.HostnameError], "the server's certificate is for another name",
		"Use the name in the certificate as host, or sslmode=verify-ca if only the authority has to be right.",
	},
	{as[x509.CertificateInvalidError], "the server's certificate is not valid", "Check whether it has expired, and renew it on the server."},
	{
		func(err error) bool {
			return errors.Is(err, pq.ErrSSLNotSupported) || says("server refused TLS connection")(err)
		},
		"the server does not speak TLS, and the connection string demands it",
		"Turn ssl on at the server; sslmode=prefer or disable would send everything unencrypted.",
	},
	{
		func(err error) bool {
			return says("ValidateConnect failed")(err) || says("standby mode")(err) || says("session is read-only")(err) || says("session is not read-only")(err)
		},
		"no server is of the kind that target_session_attrs asks for: a standby where writes are wanted, or the reverse",
		"Is the primary among the hosts, and has a standby been promoted? target_session_attrs=any takes the first host that answers.",
	},
	{
		is(io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET), "something accepts the connection and closes it at once",
		"Does PostgreSQL listen there, and can a proxy in between reach its server?",
	},
	{
		func(err error) bool { return errors.Is(err, context.DeadlineExceeded) || timedOut(err) },
		"there is no answer in time", "The address may be wrong, or a firewall may drop the packets; pool_connect_timeout bounds the wait.",
	},
}

// accepted is what takes the place of the last reason where the server's port does accept connections.
const (
	acceptedReason = "something accepts the connection and does not answer"
	acceptedRemedy = "The address is right, and no firewall is in the way. A PgBouncer that cannot reach its own server does this (see SHOW DATABASES and " +
		"SHOW SERVERS on its console), and so does a server that is stopped or overloaded, or a program that is not PostgreSQL. " +
		"pool_connect_timeout bounds the wait."
)

// explainTimeout tells a dial from its answer: the driver's error is the same whether no packet came back or the server took
// the connection and was silent.
func explainTimeout(ctx context.Context, dsn string, limit time.Duration, err error) (reason, remedy string, known bool) {
	if !errors.Is(err, context.DeadlineExceeded) && !timedOut(err) {
		return "", "", false
	}
	for _, place := range places(dsn) {
		dialing, cancel := context.WithTimeout(ctx, limit)
		network, address := pgconn.NetworkAddress(place.host, place.port)
		socket, bad := new(net.Dialer).DialContext(dialing, network, address)
		cancel()
		if bad == nil {
			_ = socket.Close()
			return fmt.Sprintf("%s at %s: %v", acceptedReason, address, err), acceptedRemedy, true
		}
	}
	return "", "", false
}

// explainDial says in words why there is no connection. The driver's own text comes along: it names address and user, and
// the adapters keep passwords out of it.
func explainDial(err error) (reason, remedy string) {
	for _, r := range dialReasons {
		if r.fits(err) {
			return fmt.Sprintf("%s: %v", r.reason, err), r.remedy
		}
	}
	return err.Error(), ""
}

func as[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

func is(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
}

func says(text string) func(error) bool {
	return func(err error) bool { return strings.Contains(err.Error(), text) }
}

// sqlState matches an SQLSTATE, which the errors of both drivers have.
func sqlState(code string) func(error) bool {
	return func(err error) bool {
		var coded interface{ SQLState() string }
		return errors.As(err, &coded) && coded.SQLState() == code
	}
}

func timedOut(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
