package byname

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-multierror"
	"github.com/jackc/pgx/v5"
	"github.com/lib/pq"

	"github.com/sqlpool/go/sqlpool"
)

// nowhere is a connection string whose server refuses.
const nowhere = "postgres://user:hunter2@127.0.0.1:1/db?sslmode=disable"

// setenv empties the environment of settings and then sets some.
func setenv(t *testing.T, pairs ...string) {
	t.Helper()
	t.Setenv("DATABASE_URL", "")
	for i := range settings {
		for _, name := range settings[i].variables() {
			t.Setenv(name, "")
		}
	}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

func config(t *testing.T, dsn string) sqlpool.Config {
	t.Helper()
	cfg, err := Config(PGX, dsn)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestStandardAssembly(t *testing.T) {
	setenv(t)
	cfg := config(t, nowhere)
	if cfg.MinIdle != 2 || cfg.MaxConns != 10 || cfg.AcquireTimeout != 30*time.Second || len(cfg.Hooks) != 5 { // three limits, leaks, health
		t.Errorf("%+v", cfg)
	}
}

func TestWhoWins(t *testing.T) {
	setenv(t, "POOL_MAX_SIZE=7", "POOL_ACQUIRE_TIMEOUT=12.5", "POOL_HIDE_STATEMENTS=True", "POOL_UNKNOWN=1", "POOL_MIN_SIZE= 1 ")
	cfg := config(t, nowhere+"&pool_max_conns=5")
	if cfg.MaxConns != 5 || cfg.AcquireTimeout != 12500*time.Millisecond || !cfg.HideStatements || cfg.MinIdle != 1 {
		t.Errorf("%+v", cfg)
	}
	// A variable that is overruled does not matter, right or wrong.
	setenv(t, "POOL_MAX_SIZE=many")
	if cfg := config(t, nowhere+"&pool_max_conns=5"); cfg.MaxConns != 5 {
		t.Errorf("%+v", cfg)
	}
}

func TestTheOriginalsEnvironment(t *testing.T) {
	setenv(t, "DATABASE_URL="+nowhere, "POOL_MIN_SIZE=3", "POOL_MAX_SIZE=11", "POOL_ACQUIRE_TIMEOUT=31.0", "POOL_MAX_QUERIES=50001",
		"POOL_MAX_CONNECTION_LIFETIME=3601.0", "POOL_MAX_IDLE_TIME=61.0", "POOL_ENABLE_LEAK_DETECTION=true", "POOL_LEAK_DETECTION_TIMEOUT=31.5")
	r := &reading{assembly: standard(), given: map[*setting]given{}, bad: map[*setting]bool{}}
	r.environment()
	r.together()
	a := r.assembly
	if a.cfg.MinIdle != 3 || a.cfg.MaxConns != 11 || a.cfg.AcquireTimeout != 31*time.Second || a.maxUses != 50001 ||
		a.lifetime != 3601*time.Second || a.idleTime != 61*time.Second ||
		!a.leaks || a.leak.After != 31500*time.Millisecond || len(r.problems) > 0 {
		t.Errorf("%+v, %v", a, r.problems)
	}
	config(t, "")
}

// POOL_MAX_CONNS is what users derive from pool_max_conns.
func TestBothNamesInTheEnvironment(t *testing.T) {
	setenv(t, "POOL_MAX_CONNS=50", "POOL_MAX_CONN_LIFETIME=2h", "POOL_MIN_IDLE=3")
	if cfg := config(t, nowhere); cfg.MaxConns != 50 || cfg.MinIdle != 3 {
		t.Errorf("%+v", cfg)
	}
	setenv(t, "POOL_MAX_CONNS=50", "POOL_MAX_SIZE= 50 ", "POOL_MAX_CONN_IDLE_TIME=90", "POOL_MAX_IDLE_TIME=1m30s")
	if cfg := config(t, nowhere); cfg.MaxConns != 50 {
		t.Errorf("%+v", cfg)
	}
	setenv(t, "POOL_MAX_CONNS=50", "POOL_MAX_SIZE=20")
	const want = `drivers: POOL_MAX_SIZE is "20" in the environment: it is the same setting as POOL_MAX_CONNS, which is "50"; unset one of the two`
	if _, err := Config(PGX, nowhere); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if cfg := config(t, nowhere+"&pool_max_conns=5"); cfg.MaxConns != 5 {
		t.Errorf("overruled, and yet %+v", cfg)
	}
	setenv(t, "POOL_MAX_CONNS=postgres://u:hunter2@h", "POOL_MAX_SIZE=postgres://u:hunter3@h")
	if _, err := Config(PGX, nowhere); err == nil || strings.Contains(err.Error(), "hunter") {
		t.Error(err)
	}
}

func TestDatabaseURL(t *testing.T) {
	setenv(t, "DATABASE_URL="+nowhere+"&pool_max_conns=4", "POOL_MAX_SIZE=9")
	if cfg := config(t, " "); cfg.MaxConns != 4 {
		t.Errorf("MaxConns is %d", cfg.MaxConns)
	}
	if cfg := config(t, nowhere); cfg.MaxConns != 9 {
		t.Errorf("MaxConns is %d: DATABASE_URL was used although there is a connection string", cfg.MaxConns)
	}
	t.Setenv("DATABASE_URL", "postgres://h/?pool_max_cons=4")
	if _, err := Config(PQ, ""); err == nil || !strings.Contains(err.Error(), `pool_max_cons is "4" in DATABASE_URL`) {
		t.Error(err)
	}
	t.Setenv("DATABASE_URL", "")
	config(t, "") // PG* variables
}

// A pool that shares a limit may take what the others leave to it.
func TestAFleetsLimitIsThePoolsUnlessItHasOne(t *testing.T) {
	for dsn, want := range map[string]int{
		nowhere: 10, nowhere + "&pool_fleet_max_conns=200": 200, nowhere + "&pool_fleet_max_conns=0": 10,
		nowhere + "&pool_fleet_max_conns=200&pool_max_conns=30": 30,
	} {
		if cfg := config(t, dsn); cfg.MaxConns != want {
			t.Errorf("%s: MaxConns is %d, want %d", dsn, cfg.MaxConns, want)
		}
	}
	for _, wrong := range []string{"1", "-1", "40000", "+1", "01"} {
		var bad *SettingError
		if _, err := Config(PGX, nowhere+"&pool_fleet_max_conns="+url.QueryEscape(wrong)); !errors.As(err, &bad) || bad.Name != "pool_fleet_max_conns" {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	h, err := Open(PGX, nowhere+"&pool_fleet_max_conns=200&pool_fleet=orders&pool_name=a")
	if err != nil {
		t.Fatal(err)
	}
	defer h.DB.Close()
	if s := h.Fleet.Status(); s.Group != "orders" || s.Limit != 200 || s.Share != 1 {
		t.Errorf("%+v", s)
	}
}

func TestEverySettingFromBothSources(t *testing.T) {
	for i := range settings {
		s := &settings[i]
		setenv(t)
		dsn := "host=h user=u "
		switch s.field { // what the example would contradict
		case "MinIdle":
			dsn += "pool_max_conns=20 "
		case "Backoff.First":
			dsn += "pool_backoff_max=1m "
		}
		for _, name := range append([]string{s.name}, s.aliases...) {
			config(t, dsn+name+"="+s.value.example)
			if _, err := Config(PQ, dsn+name+"='no such value'"); err == nil && s.name != "pool_name" && s.name != "pool_fleet" {
				t.Errorf("%s takes anything", name)
			}
		}
		for _, name := range append([]string{s.env, strings.ToUpper(s.name)}, s.variables()...) {
			setenv(t, name+"="+s.value.example)
			config(t, dsn)
			setenv(t, name+"=\x01")
			if _, err := Config(PQ, dsn); err == nil || !strings.Contains(err.Error(), name+" is ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestLimitsThatAreOff(t *testing.T) {
	setenv(t)
	cfg := config(t, nowhere+"&pool_max_conn_lifetime=0&pool_max_conn_lifetime_jitter=0&pool_max_conn_idle_time=0&pool_max_uses=0&pool_leak_after=0")
	if len(cfg.Hooks) != 1 {
		t.Errorf("%d hooks", len(cfg.Hooks))
	}
	if cfg := config(t, nowhere+"&pool_max_conn_lifetime=1h&pool_max_conn_lifetime_jitter=1h&pool_leak_detection=off"); len(cfg.Hooks) != 4 {
		t.Errorf("%d hooks", len(cfg.Hooks))
	}
	if cfg := config(t, nowhere+"&pool_max_conns=1"); cfg.MinIdle != 1 {
		t.Errorf("the default of MinIdle is %d with one connection", cfg.MinIdle)
	}
}

func TestBadSettings(t *testing.T) {
	for _, c := range []struct {
		name, dsn string
		env       []string
		want      []string
	}{
		{"not a number", "pool_max_conns=abc", nil, []string{
			`drivers: pool_max_conns is "abc" in the connection string: it must be a whole number from 1 to 262143; write for example pool_max_conns=20, or leave it out for the default (10)`}},
		{"environment", "", []string{"POOL_MAX_SIZE=0"}, []string{
			`POOL_MAX_SIZE is "0" in the environment: it must be a whole number from 1 to 262143; write for example POOL_MAX_SIZE=20, or leave it out for the default (10)`}},
		{"too large", "pool_max_conns=1000000000000", nil, []string{"from 1 to 262143"}},
		{"no value", "pool_name=", nil, []string{`pool_name is ""`, "1 to 63 printable characters"}},
		{"zero length", "pool_acquire_timeout=0", nil, []string{`pool_acquire_timeout is "0"`, "above 0", "default (30s)"}},
		{"no unit", "pool_acquire_timeout=5m3", nil, []string{"it must be a length of time above 0, such as 1m30s, or in seconds"}},
		{"negative", "pool_max_conn_lifetime=-1s", nil, []string{`"-1s"`, "or 0 for no limit"}},
		{"factor", "pool_backoff_factor=NaN", nil, []string{"a decimal number from 1 to 1000"}},
		{"boolean", "pool_hide_statements=maybe", nil, []string{"true or false (also yes, no, on, off, 1, 0)"}},
		{"word", "pool_statements=Text", nil, []string{"prepared or text"}},
		{"unknown", "pool_max_con=3", nil, []string{`pool_max_con is "3" in the connection string: no setting has this name; did you mean pool_max_conns? docs/settings.md lists all settings`}},
		{"alias misspelt", "pool_min_idle_con=3", nil, []string{"did you mean pool_min_idle_conns?"}},
		{"letters swapped", "pool_nmae=3", nil, []string{"did you mean pool_name?"}},
		{"capitals", "Pool_Max_Conns=3", nil, []string{`Pool_Max_Conns is "3"`, "did you mean pool_max_conns?"}},
		{"the variable's name", "pool_max_size=3", nil, []string{"in a connection string it is called pool_max_conns"}},
		{"half a name", "pool_timeout=3", nil, []string{"did you mean pool_acquire_timeout, pool_connect_timeout or pool_ping_timeout?"}},
		{"a word left out", "pool_max_lifetime=3", nil, []string{"did you mean pool_max_conn_lifetime or pool_max_conn_lifetime_jitter?"}},
		{"a word written out", "pool_max_connections=3", nil, []string{"did you mean pool_max_conns, pool_max_dialing or pool_max_waiters?"}},
		{"between two", "pool_backoff_fax=3", nil, []string{"did you mean pool_backoff_max?"}},
		{"far off", "pool_frobnicate=3", nil, []string{"remove it; docs/settings.md lists all settings"}},
		{"no prefix", "max_conns=4", nil, []string{
			`drivers: max_conns is (not shown) in the connection string: neither the driver nor the server has such a parameter; write pool_max_conns`}},
		{"no prefix, an alias in capitals", "Min_Conns=4", nil, []string{"Min_Conns is (not shown)", "; write pool_min_conns"}},
		{"capture", "pool_leak_capture=sometimes", nil, []string{"it must be always, armed or sampled"}},
		{"reset", "pool_reset=everything", nil, []string{"it must be clean or rollback"}},
		{"twice", "pool_name=a pool_name=a", nil, []string{"it is given twice; keep one of the two"}},
		{"twice under two names", "pool_min_idle=1 pool_min_conns=2", nil, []string{"pool_min_conns is", "it is the same setting as pool_min_idle, which is given too"}},
		{"contradiction", "pool_min_idle=30 pool_max_conns=20", nil, []string{
			`drivers: pool_min_idle is "30" in the connection string: it must not exceed pool_max_conns, which is 20; lower pool_min_idle or raise pool_max_conns`}},
		{"contradiction across sources", "pool_max_conns=2", []string{"POOL_MIN_SIZE=5"}, []string{`POOL_MIN_SIZE is "5" in the environment: it must not exceed pool_max_conns, which is 2`}},
		{"contradiction with a default", "pool_backoff_max=50ms", nil, []string{`pool_backoff_first is "100ms" by default: it must not exceed pool_backoff_max, which is 50ms`}},
		{"jitter", "pool_max_conn_lifetime=1m pool_max_conn_lifetime_jitter=2m", nil, []string{`pool_max_conn_lifetime_jitter is "2m" in the connection string: it must not exceed pool_max_conn_lifetime, which is 1m`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			setenv(t, c.env...)
			for driver := range registered {
				_, err := Config(driver, "host=h user=u "+c.dsn)
				if err == nil {
					t.Fatal("accepted")
				}
				for _, want := range c.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%s: %v\nlacks: %s", driver, err, want)
					}
				}
				var all *multierror.Error
				var one *SettingError
				if !errors.As(err, &all) || len(all.Errors) != 1 || !errors.As(err, &one) || one.Rule == "" || one.Remedy == "" {
					t.Errorf("%s: %#v", driver, err)
				}
			}
		})
	}
}

// What a driver knows is never taken for a setting without its prefix: it would
// have put it elsewhere than among the server's parameters.
func TestNoDriverHasASettingsBareName(t *testing.T) {
	for i := range settings {
		for _, name := range append([]string{settings[i].name}, settings[i].aliases...) {
			name = strings.TrimPrefix(name, prefix)
			if name == "statement_timeout" { // the server's, see TestNoServerHasASettingsBareName
				continue
			}
			dsn := "host=h user=u " + name + "=3"
			ofPGX, err := pgx.ParseConfig(dsn)
			if err != nil {
				t.Fatal(err)
			}
			ofPQ, err := pq.NewConfig(dsn)
			if err != nil {
				t.Fatal(err)
			}
			if refused, unknown := bare(name) != nil, ofPGX.RuntimeParams[name] == "3" && ofPQ.Runtime[name] == "3"; refused != unknown {
				t.Errorf("%s is refused: %v, and unknown to both drivers: %v", name, refused, unknown)
			}
		}
	}
	setenv(t)
	for driver := range registered {
		if _, err := Config(driver, "host=h user=u connect_timeout=3 application_name=x statement_timeout=3 search_path=x log_statement=none"); err != nil {
			t.Errorf("%s: %v", driver, err)
		}
	}
	config(t, "host=h user=u statement_cache_capacity=3 default_query_exec_mode=exec keepalives=1")
}

func TestAllProblemsAtOnce(t *testing.T) {
	setenv(t, "POOL_MAX_QUERIES=y", "POOL_MIN_SIZE=30")
	_, err := Config(PQ, "postgres://u:hunter2@h:port/db?pool_max_conns=x&pool_mim_idle=1&pool_fail_fast_after=0&pool_backoff_max=1ms")
	var all *multierror.Error
	if !errors.As(err, &all) {
		t.Fatal(err)
	}
	for _, want := range []string{
		"drivers: 6 problems:", "pool_max_conns is", "pool_mim_idle is", "pool_fail_fast_after is", "POOL_MAX_QUERIES is",
		"pool_backoff_first is", "libpq: cannot parse the connection string",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks: %s", err, want)
		}
	}
	// The names of all settings would bury what is wrong.
	if strings.Contains(err.Error(), "pool_leak_capture") || strings.Count(err.Error(), "\n") != 6 {
		t.Errorf("%v", err)
	}
	// Whether 30 is too many idle ones is unknown while pool_max_conns is x.
	if strings.Contains(err.Error(), "POOL_MIN_SIZE") {
		t.Errorf("%v", err)
	}
}

func TestNoPasswordIsInAnError(t *testing.T) {
	setenv(t)
	const secret = "hunter2!xyz"
	for _, dsn := range []string{
		"postgres://u:%s@h/db?pool_max_conns=x",
		"postgres://u:%s@h:port/db?pool_max_conns=x",
		"postgres://u:%s@h/db?sslmode=bogus&pool_max_conns=x",
		"postgres://u:%s?pool_x=1@h/db?pool_y=2",
		"postgres://u:pool_x=%s&y@h/db?pool_z=1",
		"postgres://u:1?pool_%s=%s@h/db",
		"postgres://u:1?pool_max_conns=%s@h/db",
		"postgres://u:1?name=hunter2&x@h/db",
		"host=h max_conns= password=%s",
		"postgres://u:%s#@h/db?pool_x=1",
		"postgres://h/db?password=%s&pool_x=1&sslmode=bogus",
		"postgres://h/db?pool_max_conns=3;password=%s",
		"postgres://h/db?pool_max_conns=3?password=%s",
		"postgres://h/db?pool_x;password=%s",
		"postgres://h/db?sslpassword=%s&sslcert=/nowhere&sslkey=/nowhere&pool_x=1",
		"postgres://u:%s@h/db&pool_max_conns=%s",
		"postgres://u:%s&pool_max_conns=1",
		"postgres://u:x&pool_%s=1/db",
		"host=h password=a%s sslmode=disable&pool_max_conns=%s",
		"host=h password=a %s&pool_max_conns=1",
		"host=h dbname=x&pool_%s=1",
		"host=h password=%s pool_max_conns=x",
		"host=h password=%s pool_max_conns=x port=none",
		"host=h pool_max_conns= password=%s",
		"host=h pool_x= password=%s",
		"host=h pool_x='a password=%s",
		"host=h pool_max_conns='password=%s' sslmode=bogus",
		"host=h password='%s pool_max_conns=x",
		"host=h password=a%s %s pool_max_conns=x",
		"host=h sslpassword=%s sslmode=bogus pool_x=1",
		"POSTGRES://u:%s@h/db?pool_x=1",
		"u:%s@h/db",
	} {
		for driver := range registered {
			written := strings.ReplaceAll(dsn, "%s", secret)
			_, err := Config(driver, written)
			if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "xyz")) {
				t.Errorf("%s: %s: %v", driver, dsn, err)
			}
			t.Setenv("DATABASE_URL", written)
			if _, err := Config(driver, ""); err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "xyz")) {
				t.Errorf("%s: DATABASE_URL=%s: %v", driver, dsn, err)
			}
		}
	}
	t.Setenv("DATABASE_URL", "")
	t.Setenv("POOL_MAX_SIZE", "postgres://u:hunter2@h/db")
	if _, err := Config(PGX, nowhere); err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "POOL_MAX_SIZE is (not shown)") {
		t.Error(err)
	}
}

// lib/pq refuses what it does not know in a service file itself.
func TestASettingInAServiceFileIsNotLookedForInTheConnectionString(t *testing.T) {
	setenv(t)
	file := filepath.Join(t.TempDir(), "services")
	if err := os.WriteFile(file, []byte("[orders]\nhost=h\npool_min_idle=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGSERVICEFILE", file)
	for _, dsn := range []string{"service=orders", "service=orders pool_max_conns=5"} {
		_, err := Config(PGX, dsn)
		if err == nil || !strings.Contains(err.Error(), "the service file has pool_min_idle: ") || strings.Contains(err.Error(), "pool_max_conns") {
			t.Errorf("%s: %v", dsn, err)
		}
		if _, err := Config(PQ, dsn); err == nil || !strings.Contains(err.Error(), "service file") || strings.Contains(err.Error(), "pool_max_conns") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}

func TestUnknownDriver(t *testing.T) {
	if _, err := Config("postgres", nowhere); err == nil || !strings.Contains(err.Error(), `unknown driver "postgres": it must be "sqlpool-pgx" or "sqlpool-pq"`) {
		t.Error(err)
	}
	if _, err := Open("postgres", nowhere); err == nil {
		t.Error("opened")
	}
}

func TestMain(m *testing.M) {
	// A developer's own settings are not these tests'.
	for i := range settings {
		for _, name := range settings[i].variables() {
			os.Unsetenv(name)
		}
	}
	os.Unsetenv("DATABASE_URL")
	os.Exit(m.Run())
}
