package pgxv5

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A configuration that is read again is refused exactly when it has lost something.
func TestWeaker(t *testing.T) {
	verify := func([][]byte, [][]*x509.Certificate) error { return nil }
	roots, mine := x509.NewCertPool(), []tls.Certificate{{}}
	with := func(password string, c *tls.Config) *pgx.ConnConfig {
		return &pgx.ConnConfig{Config: pgconn.Config{Password: password, TLSConfig: c}}
	}
	for name, c := range map[string]struct {
		first, latest *pgx.ConnConfig
		refused       bool
	}{
		"nothing was there":              {with("", nil), with("", nil), false},
		"the password is gone":           {with("a", nil), with("", nil), true},
		"the password is another":        {with("a", nil), with("b", nil), false},
		"a password has come":            {with("", nil), with("b", nil), false},
		"TLS has come":                   {with("", nil), with("", &tls.Config{}), false},
		"TLS is gone":                    {with("", &tls.Config{}), with("", nil), true},
		"TLS as it was":                  {with("", &tls.Config{}), with("", &tls.Config{}), false},
		"it is not verified any more":    {with("", &tls.Config{}), with("", &tls.Config{InsecureSkipVerify: true}), true},
		"it never was verified":          {with("", &tls.Config{InsecureSkipVerify: true}), with("", &tls.Config{InsecureSkipVerify: true}), false},
		"it is verified from now on":     {with("", &tls.Config{InsecureSkipVerify: true}), with("", &tls.Config{}), false},
		"the roots are gone":             {with("", &tls.Config{RootCAs: roots}), with("", &tls.Config{}), true},
		"the roots are there":            {with("", &tls.Config{RootCAs: roots}), with("", &tls.Config{RootCAs: roots}), false},
		"roots have come":                {with("", &tls.Config{}), with("", &tls.Config{RootCAs: roots}), false},
		"the check of the peer is gone":  {with("", &tls.Config{VerifyPeerCertificate: verify}), with("", &tls.Config{}), true},
		"the check of the peer is there": {with("", &tls.Config{VerifyPeerCertificate: verify}), with("", &tls.Config{VerifyPeerCertificate: verify}), false},
		"a check of the peer has come":   {with("", &tls.Config{}), with("", &tls.Config{VerifyPeerCertificate: verify}), false},
		"the certificate is gone":        {with("", &tls.Config{Certificates: mine}), with("", &tls.Config{}), true},
		"the certificate is there":       {with("", &tls.Config{Certificates: mine}), with("", &tls.Config{Certificates: mine}), false},
		"a certificate has come":         {with("", &tls.Config{}), with("", &tls.Config{Certificates: mine}), false},
	} {
		if err := weaker(c.first, c.latest); (err != nil) != c.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}
