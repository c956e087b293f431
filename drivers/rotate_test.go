//go:build unix

package drivers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql/driver"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A rotation replaces what a connection string names, while the pool that was made of
// the string lives.
func TestFilesAreReadAtEachDial(t *testing.T) {
	setenv(t)
	ca := newAuthority(t)
	server := pgserver.Run(t, pgserver.Options{PasswordAuth: true, TLS: true, Settings: map[string]string{"ssl_ca_file": ca.file}})
	must(t, server.Exec(t.Context(), "CREATE ROLE app LOGIN"))
	e := server.TCP()
	base := fmt.Sprintf("host=%s port=%d user=app dbname=postgres sslmode=require", e.Host, e.Port)
	dial := func(connector driver.Connector) error {
		conn, err := connector.Connect(t.Context())
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	password := func(p string) { must(t, server.Exec(t.Context(), "ALTER ROLE app PASSWORD '"+p+"'")) }
	write := func(file, format string, a ...any) {
		must(t, os.WriteFile(file, fmt.Appendf(nil, format, a...), 0o600))
	}

	eachDriver(t, func(t *testing.T, name string) {
		dir := t.TempDir()
		open := func(t *testing.T, params string) driver.Connector {
			cfg, err := Config(name, base+params)
			must(t, err)
			return cfg.Connector
		}
		t.Run("passfile", func(t *testing.T) {
			file := filepath.Join(dir, "pgpass")
			password("one")
			write(file, "*:*:*:app:one\n")
			c := open(t, " passfile="+file)
			must(t, dial(c))
			password("two")
			write(file, "*:*:*:app:two\n")
			must(t, dial(c))
		})
		t.Run("service file", func(t *testing.T) {
			file := filepath.Join(dir, "services")
			t.Setenv("PGSERVICEFILE", file)
			password("one")
			write(file, "[s]\npassword=one\n")
			c := open(t, " service=s")
			must(t, dial(c))
			password("two")
			write(file, "[s]\npassword=two\n")
			must(t, dial(c))
			must(t, os.Remove(file)) // on the way to a third one: the second still holds
			must(t, dial(c))
			password("three")
			if err := dial(c); err == nil || !strings.Contains(err.Error(), "the files of the connection string are as they were read before") {
				t.Errorf("the service file is gone: %v", err)
			}
		})
		t.Run("client certificate", func(t *testing.T) {
			password("one")
			t.Setenv("PGPASSWORD", "one")
			crt, key := filepath.Join(dir, "app.crt"), filepath.Join(dir, "app.key")
			presented := func(c driver.Connector) string {
				conn, err := c.Connect(t.Context())
				must(t, err)
				defer conn.Close()
				rows, err := conn.(driver.QueryerContext).QueryContext(t.Context(), "SELECT client_serial::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()", nil)
				must(t, err)
				defer rows.Close()
				dest := make([]driver.Value, 1)
				must(t, rows.Next(dest))
				return fmt.Sprintf("%s", dest[0])
			}
			ca.issue(t, 100, crt, key)
			c := open(t, " sslcert="+crt+" sslkey="+key)
			if got := presented(c); got != "100" {
				t.Fatalf("serial %s", got)
			}
			ca.issue(t, 200, crt, key)
			if got := presented(c); got != "200" {
				t.Errorf("after the rotation serial %s is presented", got)
			}
		})
		t.Run("an environment that changes", func(t *testing.T) {
			password("one")
			t.Setenv("PGPASSWORD", "one")
			c := open(t, "")
			must(t, os.Unsetenv("PGPASSWORD"))
			must(t, os.Setenv("PGUSER", "else"))
			must(t, dial(c))
			must(t, os.Unsetenv("PGUSER"))
		})
	})
}

// authority signs client certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	dir, err := os.MkdirTemp("", "ca") // t.TempDir is closed to the server's user
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	a := &authority{file: filepath.Join(dir, "ca.pem")}
	a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der := a.sign(t, 1, "client authority", a.key, true)
	a.cert, err = x509.ParseCertificate(der)
	must(t, err)
	must(t, os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
	return a
}

func (a *authority) sign(t *testing.T, serial int64, name string, key *ecdsa.PrivateKey, isCA bool) []byte {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Minute),
		NotAfter: time.Now().Add(time.Hour), IsCA: isCA, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent := a.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, a.key)
	must(t, err)
	return der
}

// issue writes a certificate of app's and its key.
func (a *authority) issue(t *testing.T, serial int64, crt, keyFile string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	private, err := x509.MarshalECPrivateKey(key)
	must(t, err)
	must(t, os.WriteFile(crt, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.sign(t, serial, "app", key, false)}), 0o644))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), 0o600))
}
