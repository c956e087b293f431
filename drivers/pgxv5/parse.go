package pgxv5

import (
	"errors"
	"maps"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/drivers/internal/onehost"
	"github.com/sqlpool/go/drivers/internal/secret"
	"github.com/sqlpool/go/drivers/internal/stray"
	"github.com/sqlpool/go/drivers/internal/wire"
)

// parse reads a connection string without its secrets in an error.
func parse(dsn string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, secret.Scrub(dsn, err)
	}
	if err := stray.Settings("sqlpool-pgx", cfg.RuntimeParams); err != nil {
		return nil, err
	}
	_, err = wire.TakeTCP(maps.Clone(cfg.RuntimeParams))
	return cfg, err
}

// parse reads the connection string of a connector, whose options may have it lead to another server.
func (c *connector) parse() (*pgx.ConnConfig, error) {
	own, err := parse(c.dsn)
	if err != nil || c.at == nil {
		return own, err
	}
	hosts := []onehost.Host{{Name: own.Host, Port: own.Port}}
	for _, f := range own.Fallbacks {
		hosts = append(hosts, onehost.Host{Name: f.Host, Port: f.Port})
	}
	h, err := c.at.Beside(hosts)
	if err != nil {
		return nil, err
	}
	return parse(onehost.Libpq(c.dsn, h)) // a password of a passfile, and TLS, are the host's
}

// Address is the one server that the options lead to, or empty without such an option.
func (c *connector) Address() string {
	if c.at == nil {
		return ""
	}
	cfg := c.source.Last()
	return onehost.Host{Name: cfg.Host, Port: cfg.Port}.String()
}

// at leads to a server that the connection string need not name, in place of its hosts, and of whatever kind. Port 0 is the
// string's.
func at(host string, port uint16) Option {
	return func(c *connector) { c.at = &onehost.Host{Name: host, Port: port} }
}

// weaker refuses a configuration that has lost what the first one had. pgx leaves out
// a default file that is not there or cannot be read, without an error: a password or
// the verification of the server would be gone.
func weaker(first, latest *pgx.ConnConfig) error {
	had, has := first.TLSConfig, latest.TLSConfig
	switch {
	case first.Password != "" && latest.Password == "":
		return errors.New("the file that the password came from is gone or cannot be read")
	case had == nil:
		return nil
	case has == nil, has.InsecureSkipVerify && !had.InsecureSkipVerify, had.RootCAs != nil && has.RootCAs == nil,
		had.VerifyPeerCertificate != nil && has.VerifyPeerCertificate == nil:
		return errors.New("the file of root certificates is gone or cannot be read")
	case len(had.Certificates) > 0 && len(has.Certificates) == 0:
		return errors.New("the file of the client's certificate is gone or cannot be read")
	}
	return nil
}
