package stray_test

import (
	"database/sql/driver"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
)

var adapters = map[string]struct {
	opener    string
	connector func(dsn string) (driver.Connector, error)
}{
	"pgxv5": {"sqlpool-pgx", func(dsn string) (driver.Connector, error) { return pgxv5.Connector(dsn) }},
	"libpq": {"sqlpool-pq", func(dsn string) (driver.Connector, error) { return libpq.Connector(dsn) }},
}

func TestAConnectorMadeByHandRefusesThePoolsSettings(t *testing.T) {
	for name, a := range adapters {
		for _, dsn := range []string{
			"postgres://u:hunter2@h/db?sslmode=disable&pool_max_conns=20",
			"host=h user=u password=hunter2 pool_max_conns=20 sslmode=disable",
			"host=h user=u pool_max_conns= password=hunter2", // the password is its value
		} {
			_, err := a.connector(dsn)
			if err == nil {
				t.Errorf("%s takes %s", name, dsn)
				continue
			}
			for _, want := range []string{
				name + ": the connection string has pool_max_conns: ", "take them out",
				`sql.Open("` + a.opener + `", dsn)`, "docs/settings.md",
			} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v\nlacks: %s", name, err, want)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: the password is shown: %v", name, err)
			}
		}
		_, err := a.connector("host=h pool_name=x Pool_Max_Conns=3 pool_min_idle=1")
		if err == nil || !strings.Contains(err.Error(), "has Pool_Max_Conns, pool_min_idle, pool_name: ") {
			t.Errorf("%s: %v", name, err)
		}
		for _, dsn := range []string{
			"postgres://pool_u:pool_p@pool_h/pool_db?search_path=pool_max_conns&application_name=pool_a",
			"host=h options='-c search_path=pool_x'",
			"host=h pool_app.tenant=acme", // the server takes any name with a dot
			"postgres://h/db?Pool_App.tenant=acme",
		} {
			if _, err := a.connector(dsn); err != nil {
				t.Errorf("%s: %s: %v", name, dsn, err)
			}
		}
	}
}

// A password that is not escaped can end up in a parameter's name.
func TestNoPasswordIsShownAsAName(t *testing.T) {
	for _, dsn := range []string{
		"postgres://u:1?pool_hunter2=x@h/db",
		"postgres://u:1?pool_hunter!=x@h/db",
		"postgres://h/db?pool_x;password=hunter2",
		"postgres://u:1?pool_hunter=x@h/db", // with the looks of a name
		"host=h pool_hunter2=",
		"host=h password=my pool_hunter=",
	} {
		for name, a := range adapters {
			if _, err := a.connector(dsn); err != nil && strings.Contains(err.Error(), "hunter") {
				t.Errorf("%s: %s: %v", name, dsn, err)
			}
		}
	}
	for name, a := range adapters {
		_, err := a.connector("host=h pool_max_con=3 pool_max_conns=3")
		if err == nil || !strings.Contains(err.Error(), "has a pool_ parameter whose name is not shown, pool_max_conns: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nobody reads them from a service file either. lib/pq refuses that itself.
func TestAServiceFileIsNoPlaceForThem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "services")
	if err := os.WriteFile(file, []byte("[orders]\nhost=h\npool_max_conns=20\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGSERVICEFILE", file)
	for name, a := range adapters {
		if _, err := a.connector("service=orders"); err == nil || !strings.Contains(err.Error(), "pool_max_conns") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
