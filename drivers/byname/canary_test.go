//go:build unix

package byname_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/drivers/byname"
	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
)

// canaries are the parts of every password here. None is a part of anything else.
var canaries = []string{"qzkx", "wvjy", "4711", "hfgp"}

// passwords are the canaries with each character between them that means something
// in a connection string, in all forms that have one.
func passwords() []string {
	all := []string{"qzkx&wvjy-hfgp", "qzkx&pool_wvjy=hfgp", "qzkx&wvjy=hfgp", "4711/wvjy", "4711?wvjy=hfgp", "4711#wvjy", "qzkx wvjy=hfgp", "qzkx pool_wvjy=hfgp", "4711@wvjy:hfgp",
		"qzkx&Pool_Wvjy=hfgp", "4711&wvjy@hfgp"}
	for _, c := range ":/?#[]@!$&'()*+,;=% \\\"\t\n|<>{}^`~.-_" {
		all = append(all, fmt.Sprintf("qzkx%cwvjy%chfgp", c, c), fmt.Sprintf("4711%cwvjy", c), fmt.Sprintf("%cqzkx%c", c, c), fmt.Sprintf("qzkx%cwvjy=hfgp", c))
	}
	return all
}

// connectionStrings have a password in each place where one can stand, as a user
// writes it who does not know that it must be encoded.
func connectionStrings(user, hostPort, password string) []string {
	host, port, _ := strings.Cut(hostPort, ":")
	return []string{
		"postgres://" + user + ":" + password + "@" + hostPort + "/postgres?sslmode=disable",
		"postgres://" + user + ":" + password + "@" + hostPort,
		"postgres://" + user + ":" + password + "@" + hostPort + "?pool_max_conns=4",
		"postgresql://" + hostPort + "/postgres?user=" + user + "&password=" + password + "&sslmode=disable",
		"postgres://" + user + "@" + hostPort + "/postgres?sslmode=disable&password=" + password,
		"postgres://" + user + "@" + hostPort + "/postgres?sslmode=disable&sslpassword=" + password + "&pool_name=x",
		"postgres://" + user + "@" + hostPort + "/postgres?sslmode=disable&pass%77ord=" + password,
		"host=" + host + " port=" + port + " user=" + user + " dbname=postgres sslmode=disable password=" + password,
		"password=" + password + " host=" + host + " port=" + port + " user=" + user + " dbname=postgres sslmode=disable pool_max_conns=4",
		"host=" + host + " port=" + port + " user=" + user + " dbname=postgres sslmode=disable password='" + password + "'",
		"host=" + host + " port=" + port + " user=" + user + " dbname=postgres sslmode=disable sslpassword = '" + password,
		"host=" + host + " port=" + port + " user=" + user + " sslmode=disable service=none password=" + password + " pool_max_cons=3",
	}
}

// shown reports a part of a password in what is shown.
func shown(t *testing.T, what, dsn, text string) {
	t.Helper()
	for _, c := range canaries {
		if strings.Contains(strings.ToLower(text), c) {
			t.Errorf("%s of %q shows %q: %s", what, dsn, c, text)
			return
		}
	}
}

// A connect that reaches no network: every name and address is refused, and named.
func refusing(name, dsn string) error {
	if name == byname.PGX {
		c, err := pgxv5.Connector(dsn, pgxv5.WithDialFunc(refused{}.DialContext), pgxv5.BeforeConnect(func(_ context.Context, cfg *pgx.ConnConfig) error {
			cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
			return nil
		}))
		if err == nil {
			_, err = c.Connect(context.Background())
		}
		return err
	}
	c, err := libpq.Connector(dsn, libpq.WithDialer(refused{}))
	if err == nil {
		_, err = c.Connect(context.Background())
	}
	return err
}

// shownOffline holds what can be had of a connection string without a server.
func shownOffline(t *testing.T, dsn string) {
	t.Helper()
	for _, name := range []string{byname.PGX, byname.PQ} {
		if _, err := byname.Config(name, dsn); err != nil {
			shown(t, name+": Config", dsn, err.Error())
		}
		db, err := sql.Open(name, dsn)
		if err != nil {
			shown(t, name+": sql.Open", dsn, err.Error())
		} else {
			settings, _ := byname.SettingsOf(db)
			shown(t, name+": SettingsOf", dsn, fmt.Sprint(settings))
			_ = db.Close()
		}
		rest, err := byname.Rest(name, dsn)
		if err != nil {
			continue
		}
		if err := refusing(name, rest); err != nil {
			shown(t, name+": Connect", dsn, err.Error())
		}
	}
}

func TestNoPartOfAPasswordIsShown(t *testing.T) {
	byname.SetEnv(t)
	for _, password := range passwords() {
		for _, dsn := range connectionStrings("app", "db.example:5432", password) {
			shownOffline(t, dsn)
			t.Setenv("DATABASE_URL", dsn)
			shownOffline(t, "")
			t.Setenv("DATABASE_URL", "")
		}
	}
}

func FuzzNoPartOfAPasswordIsShown(f *testing.F) {
	for _, s := range []string{"", "&", "&=", "@", "/", "?", "#", " ", "'", "\\", "%", "%4", ":", "://", "=", " =", "&pool_", ";", "[", "]", ",", "\x00", "+", "\n"} {
		f.Add(s, "=", "")
		f.Add("&", s, "=")
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		letters := func(s string) bool {
			return strings.ContainsFunc(strings.ReplaceAll(s, "pool_", ""), func(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9' })
		}
		if letters(a) || letters(b) || letters(c) {
			t.Skip() // such as "&host=": a name that a driver knows makes the rest its value
		}
		for _, password := range []string{"qzkx" + a + "wvjy" + b + "hfgp" + c, "4711" + a + "wvjy" + b + "hfgp" + c, a + "qzkx" + b} {
			for _, dsn := range connectionStrings("app", "db.example:5432", password) {
				shownOffline(t, dsn)
			}
		}
	})
}

// The server and its log are told a parameter that it does not know; its message
// repeats it.
func TestNoPartOfAPasswordIsShownOfAServer(t *testing.T) {
	byname.SetEnv(t)
	server := pgserver.Run(t, pgserver.Options{PasswordAuth: true})
	if err := server.Exec(t.Context(), "CREATE ROLE app LOGIN PASSWORD 'other'"); err != nil {
		t.Fatal(err)
	}
	at := server.TCP()
	hostPort := fmt.Sprintf("%s:%d", at.Host, at.Port)
	connect := func(dsn string) {
		for _, name := range []string{byname.PGX, byname.PQ} {
			cfg, err := byname.Config(name, dsn)
			if err != nil {
				shown(t, name+": Config", dsn, err.Error())
				continue
			}
			conn, err := cfg.Connector.Connect(t.Context())
			if err == nil {
				t.Errorf("%s: %q let us in", name, dsn)
				_ = conn.Close()
				continue
			}
			shown(t, name+": Connect", dsn, err.Error())
			var coded interface{ SQLState() string }
			if !errors.As(err, &coded) {
				t.Errorf("%s: %q: the SQLSTATE is lost: %v", name, dsn, err)
			}
		}
	}
	for _, password := range []string{"qzkx&wvjy=hfgp", "qzkx&wvjy.x=hfgp", "qzkx&4711=", "qzkx wvjy=hfgp", "qzkx&&wvjy-=hfgp"} {
		for _, dsn := range connectionStrings("app", hostPort, password) {
			if strings.Contains(dsn, "sslpassword") || strings.Contains(dsn, "service=") || !strings.Contains(dsn, "sslmode=disable") {
				continue // a password that is not asked for, or no server that asks
			}
			connect(dsn)
		}
	}
	dsn := fmt.Sprintf("host=%s port=%d user=app dbname=postgres sslmode=disable", at.Host, at.Port)
	dir := t.TempDir()
	for _, password := range []string{"qzkx&wvjy=hfgp", "qzkx wvjy=hfgp", "qzkx'wvjy\\hfgp", "qzkx#wvjy%41"} {
		t.Setenv("PGPASSWORD", password)
		connect(dsn)
		t.Setenv("PGPASSWORD", "")
		file := filepath.Join(dir, "pgpass")
		if err := os.WriteFile(file, fmt.Appendf(nil, "*:*:*:app:%s\n", password), 0o600); err != nil {
			t.Fatal(err)
		}
		connect(dsn + " passfile=" + file)
		service := filepath.Join(dir, "service")
		if err := os.WriteFile(service, fmt.Appendf(nil, "[canary]\npassword=%s\n", password), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PGSERVICEFILE", service)
		connect(dsn + " service=canary")
	}
}

// refused is a network on which nothing listens.
type refused struct{}

func (refused) DialContext(_ context.Context, network, address string) (net.Conn, error) {
	return nil, fmt.Errorf("dial %s %s: connection refused", network, address)
}

func (r refused) Dial(network, address string) (net.Conn, error) {
	return r.DialContext(context.Background(), network, address)
}

func (r refused) DialTimeout(network, address string, _ time.Duration) (net.Conn, error) {
	return r.DialContext(context.Background(), network, address)
}
