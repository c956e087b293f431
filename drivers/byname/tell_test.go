package byname

import (
	"database/sql"
	"maps"
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

// Who writes 5000 most often means milliseconds, and finds out in an outage.
func TestAWaitOfAnHourIsTold(t *testing.T) {
	setenv(t, "POOL_CLOSE_TIMEOUT=3600.0", "POOL_LEAK_DETECTION_TIMEOUT=30000")
	db, err := sql.Open(PQ, "postgres://app@db.example/orders?pool_acquire_timeout=5000&pool_connect_timeout=90m"+
		"&pool_shutdown_timeout=3599&pool_ping_timeout=1000ms&pool_max_conn_lifetime=7200&pool_max_conn_idle_time=2h&pool_keepalive=3600")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	list, _ := SettingsOf(db)
	notes := map[string]string{}
	for _, s := range list {
		if s.Note != "" {
			notes[s.Name] = s.Note
		}
	}
	want := map[string]string{
		"pool_acquire_timeout": "pool_acquire_timeout=5000 is read as seconds, which is 1h23m20s: write pool_acquire_timeout=5000ms if milliseconds are meant",
		"pool_connect_timeout": "pool_connect_timeout=90m is read as 1h30m: an hour or more of it is seldom meant",
		"pool_close_timeout":   "POOL_CLOSE_TIMEOUT=3600.0 is read as seconds, which is 1h: write POOL_CLOSE_TIMEOUT=3600.0ms if milliseconds are meant",
		"pool_leak_after":      "POOL_LEAK_DETECTION_TIMEOUT=30000 is read as seconds, which is 8h20m: write POOL_LEAK_DETECTION_TIMEOUT=30000ms if milliseconds are meant",
	}
	if !maps.Equal(notes, want) {
		t.Errorf("%q", notes)
	}
}

// Left in, the call takes the wait out of the pool's sight.
func TestSetMaxOpenConnsIsTold(t *testing.T) {
	setenv(t)
	db, err := sql.Open(PGX, "postgres://app@db.example/orders?pool_max_conns=20")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	note := func() (told string) {
		list, _ := SettingsOf(db)
		for _, s := range list {
			if s.Name == "pool_max_conns" {
				told = s.Note
			}
		}
		return told
	}
	for sessions, want := range map[int]string{0: "", 21: "", 20: "SetMaxOpenConns(20) does not exceed pool_max_conns=20: ", 1: "SetMaxOpenConns(1) does not exceed "} {
		db.SetMaxOpenConns(sessions)
		if got := note(); !strings.HasPrefix(got, want) || (want == "") != (got == "") || want != "" && !strings.HasSuffix(got, ": delete the call") {
			t.Errorf("SetMaxOpenConns(%d): %q", sessions, got)
		}
	}
}
