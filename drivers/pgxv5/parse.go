package pgxv5

import (
	"errors"
	"maps"

	"github.com/jackc/pgx/v5"

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
