package drivers

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestSettingsTellTheirSource(t *testing.T) {
	t.Setenv("POOL_ACQUIRE_TIMEOUT", "5.0")
	t.Setenv("POOL_MAX_SIZE", "30") // the connection string wins
	db, err := sql.Open(PGX, "postgres://app:hunter2@db.example/orders?pool_max_conns=20&pool_min_conns=3&pool_name=or%20ders")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	list, ok := SettingsOf(db)
	if !ok || len(list) != len(settings) {
		t.Fatalf("%v, %d settings", ok, len(list))
	}
	got := map[string]sqlpool.Setting{}
	for _, s := range list {
		got[s.Name] = s
		if strings.Contains(s.Value+s.Source, "hunter2") {
			t.Errorf("the password is in %+v", s)
		}
	}
	for _, want := range []sqlpool.Setting{
		{Name: "pool_max_conns", Value: "20", Source: SourceDSN},
		{Name: "pool_min_idle", Value: "3", Source: SourceDSN + " (pool_min_conns)"},
		{Name: "pool_acquire_timeout", Value: "5s", Source: SourceEnvironment + " (POOL_ACQUIRE_TIMEOUT)"},
		{Name: "pool_connect_timeout", Value: "5s", Source: SourceDefault},
		{Name: "pool_name", Value: notShown, Source: SourceDSN},
	} {
		if got[want.Name] != want {
			t.Errorf("got %+v, want %+v", got[want.Name], want)
		}
	}
	if _, ok := SettingsOf(sql.OpenDB(fakedb.New().Connector())); ok {
		t.Error("another's database has settings")
	}
}
