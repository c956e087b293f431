package main

import (
	"context"
	"crypto/tls"
	"database/sql"
	"net"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/drivers/pgxv5"
)

// lookAtTLS looks at the connection itself where the driver shows it, and asks the server otherwise: that is wrong behind
// a pooler, which has a connection of its own.
func lookAtTLS(ctx context.Context, conn *sql.Conn) *tlsCheck {
	found := &tlsCheck{}
	seen := pgxv5.Raw(conn, func(c *pgx.Conn) error {
		socket := c.PgConn().Conn()
		if addr, ok := socket.RemoteAddr().(*net.TCPAddr); !ok || addr.IP.IsLoopback() {
			found.Local = true
		}
		protected, ok := socket.(*tls.Conn)
		if !ok {
			return nil
		}
		state := protected.ConnectionState()
		found.On, found.Version, found.Verified = true, tls.VersionName(state.Version), "nothing"
		switch cfg := c.Config().TLSConfig; {
		case len(state.VerifiedChains) > 0:
			found.Verified = "name and authority"
		case cfg != nil && cfg.VerifyPeerCertificate != nil:
			found.Verified = "authority"
		}
		if len(state.PeerCertificates) > 0 {
			found.Expires = state.PeerCertificates[0].NotAfter.UTC().Format(time.DateOnly)
		}
		return nil
	})
	if seen == nil {
		return found
	}
	rows, err := ask(ctx, conn, `SELECT ssl::text, version, (client_addr IS NULL OR client_addr <<= '127.0.0.0/8' OR client_addr = '::1')::text
		FROM pg_catalog.pg_stat_ssl JOIN pg_catalog.pg_stat_activity USING (pid) WHERE pid = pg_catalog.pg_backend_pid()`)
	if err != nil || len(rows) != 1 {
		return nil
	}
	found.On, found.Version, found.Local = rows[0][0].String == "true", rows[0][1].String, rows[0][2].String == "true"
	return found
}
