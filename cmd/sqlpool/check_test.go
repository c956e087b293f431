package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sqlpool/go/internal/pgserver"
)

// checked runs `sqlpool check --json` and reads its result.
func checked(t *testing.T, want int, args ...string) (found *checkResult) {
	t.Helper()
	status, stdout, stderr := start(t, nil, append([]string{"check", "--json"}, args...)...)
	decoder := json.NewDecoder(strings.NewReader(stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&found); err != nil {
		t.Fatalf("%v in %q; standard error: %s", err, stdout, stderr)
	}
	if status != want || found.OK != (want == exitOK) {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}
	if strings.Contains(stdout+stderr, "hunter2") {
		t.Errorf("the password is shown: %s%s", stdout, stderr)
	}
	return found
}

// ids are the rules that speak, of one level, all or those that are named.
func ids(found *checkResult, level string, only ...string) string {
	var all []string
	for _, a := range found.Advice {
		if a.Level == level && (len(only) == 0 || slices.Contains(only, a.ID)) {
			all = append(all, a.ID)
		}
	}
	return strings.Join(all, " ") + " "
}

func TestCheck(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{
		PasswordAuth: true, MaxConnections: 60,
		Settings: map[string]string{"idle_session_timeout": "90s", "statement_timeout": "45s"},
	})
	database := server.NewDatabase(t)
	err := server.Exec(t.Context(), "CREATE ROLE app LOGIN PASSWORD 'hunter2' CONNECTION LIMIT 40; CREATE ROLE other LOGIN PASSWORD 'x'")
	if err != nil {
		t.Fatal(err)
	}
	as, other := server.TCP(), server.TCP()
	as.User, as.Password = "app", "hunter2"
	other.User, other.Password = "other", "x"
	idle := openIdle(t, other.URL(database), 4)
	defer idle()

	found := checked(t, exitOK, as.URL(database)+"&pool_max_conns=20", "--instances", "2")
	for i, d := range found.Drivers {
		if d.Driver != allDrivers[i].name || d.ConnectMS <= 0 || d.Latency.Samples != samples || d.Latency.P50 <= 0 ||
			d.Latency.P50 > d.Latency.P95 || d.Latency.P95 > d.Latency.Max || d.TLS == nil || d.TLS.On || !d.TLS.Local {
			t.Errorf("%+v %+v %+v", d, d.Latency, d.TLS)
		}
	}
	s := found.Server
	if !strings.HasPrefix(s.Version, "1") || s.Role != "app" || s.Database != database || s.Superuser || s.Standby ||
		s.MaxConnections != 60 || s.Reserved != 3 || s.RoleLimit != 40 || s.DatabaseLimit != -1 || len(s.Notes) > 0 {
		t.Errorf("server: %+v", s)
	}
	if s.Used < 5 || !slices.ContainsFunc(s.Users, func(u client) bool { return u.Role == "other" && u.Connections == 4 && u.StateUnknown == 4 }) {
		t.Errorf("users: %d, %+v", s.Used, s.Users)
	}
	if p := found.Pooler; p == nil || p.Present || p.Prepared != "yes" {
		t.Errorf("pooler: %+v", p)
	}
	// 40 for the role, 4 by another one, 4 to spare: 16 for each of two.
	var settings []string
	for _, a := range found.Advice {
		if a.ID != "min_idle" { // how fast the machine connects, which may be busy
			settings = append(settings, a.Setting)
		}
	}
	if got := strings.Join(settings, "; "); got != `pool_max_conns=16; pool_keepalive=30s; ALTER ROLE "app" SET idle_in_transaction_session_timeout = '5min'` {
		t.Errorf("advice: %s", got)
	}

	status, stdout, stderr := start(t, nil, "check", as.KeyValue(database))
	for _, want := range []string{
		"pgx     connects in ", "lib/pq  connects in ", "no TLS, on this machine\n",
		`, primary; role "app", database "` + database + `"`,
		`40 connections may be used (the connection limit of role "app"), `,
		"statement_timeout 45s\n", "pooler  none seen", "what 4 of them do is shown to members of pg_monitor only",
		"change    pool_keepalive=30s\n            the server ends sessions that are idle for 1m30s",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q", want)
		}
	}
	if status != exitOK || t.Failed() {
		t.Errorf("status %d, standard error %s\n%s", status, stderr, stdout)
	}
	if strings.Contains(stdout+stderr, "hunter2") {
		t.Error("the password is shown")
	}
}

// A setting is wrong for both drivers or for none: it is named once. An error of one driver only has its name.
func TestCheckNamesAWrongSettingOnce(t *testing.T) {
	for _, test := range []struct {
		dsn  string
		want []string // whole lines, whatever stands before them in the first
	}{
		{"postgres://me:hunter2@h/db?pool_max_con=3&pool_name=", []string{
			`drivers: pool_max_con is "3" in the connection string: no setting has this name; did you mean pool_max_conns? docs/settings.md lists all settings`,
			`drivers: pool_name is "" in the connection string: it must be 1 to 63 printable characters; ` +
				`write for example pool_name=orders, or leave it out for the default (default)`,
		}},
		{"postgres://me:hunter2@h:port/db?pool_max_con=3", []string{
			`drivers: pool_max_con is "3" in the connection string: no setting has this name; did you mean pool_max_conns? docs/settings.md lists all settings`,
			"for pgx: pgxv5: cannot parse the connection string",
			"for lib/pq: libpq: cannot parse the connection string",
		}},
	} {
		status, stdout, stderr := start(t, nil, "check", test.dsn)
		lines := strings.Split(strings.TrimPrefix(stderr, "sqlpool check: "), "\n")
		if status != exitUsage || stdout != "" || len(lines) != len(test.want)+2 || strings.Contains(stderr, "hunter2") { // and where help is
			t.Errorf("%s: status %d, stdout %q, stderr:\n%s", test.dsn, status, stdout, stderr)
			continue
		}
		for i, want := range test.want {
			if !strings.HasPrefix(lines[i], want) {
				t.Errorf("%s: %q\nis not %q", test.dsn, lines[i], want)
			}
		}
	}
}

// How a wait of an hour was read is told, also where there is no server.
func TestCheckTellsHowALongWaitWasRead(t *testing.T) {
	found := checked(t, exitFailed, "postgres://me:hunter2@127.0.0.1:1/db?sslmode=disable&pool_acquire_timeout=5000")
	if a := found.Advice; len(a) != 1 || a[0].Level != consider || a[0].Setting != "pool_acquire_timeout" ||
		!strings.HasPrefix(a[0].Why, "pool_acquire_timeout=5000 is read as seconds, which is 1h23m20s: ") {
		t.Errorf("advice: %+v", a)
	}
	_, stdout, _ := start(t, nil, "check", "host=127.0.0.1 port=1 user=me sslmode=disable pool_acquire_timeout=5000")
	if !strings.Contains(stdout, "\nadvice\n  consider  pool_acquire_timeout\n            pool_acquire_timeout=5000 is read as seconds") {
		t.Errorf("got:\n%s", stdout)
	}
}

// openIdle opens connections that stay idle until they are closed.
func openIdle(t *testing.T, dsn string, n int) (closeAll func()) {
	t.Helper()
	c, err := allDrivers[0].connector(dsn, "idle")
	if err != nil {
		t.Fatal(err)
	}
	var all []func() error
	for range n {
		conn, err := c.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn.Close)
	}
	return func() {
		for _, closeOne := range all {
			_ = closeOne()
		}
	}
}

func TestCheckLooksAtTLS(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{TLS: true})
	for _, test := range []struct{ mode, verified string }{
		{"verify-full", "name and authority"}, {"verify-ca", "authority"}, {"require", "nothing"},
	} {
		as := server.TCP().With("sslmode", test.mode)
		if test.mode == "require" {
			delete(as.Params, "sslrootcert") // with one, require means verify-ca
		}
		found := checked(t, exitOK, as.URL("postgres"))
		for _, d := range found.Drivers {
			if !d.TLS.On || !strings.HasPrefix(d.TLS.Version, "TLS") || d.Driver == "pgx" && (d.TLS.Verified != test.verified || d.TLS.Expires == "") {
				t.Errorf("%s: %s: %+v", test.mode, d.Driver, d.TLS)
			}
		}
		if got := ids(found, change); got != "superuser " {
			t.Errorf("%s: advice %q", test.mode, got)
		}
	}
	found := checkResult{Drivers: []driverCheck{{TLS: &tlsCheck{On: true, Verified: "nothing"}}}}
	if a := adviseTLS(&found); a == nil || !strings.HasPrefix(a.Setting, "sslmode=verify-full") {
		t.Errorf("got %+v", a)
	}
	found.Drivers[0].TLS = &tlsCheck{}
	if a := adviseTLS(&found); a == nil || !strings.Contains(a.Why, "unencrypted") {
		t.Errorf("got %+v", a)
	}
	found.Drivers[0].TLS = &tlsCheck{On: true, Verified: "authority", Expires: "2001-01-01"}
	if a := adviseTLS(&found); a == nil || !strings.Contains(a.Why, "2001-01-01") {
		t.Errorf("got %+v", a)
	}
}

// Of many clients the largest are told and the rest is added up.
func TestCheckAddsUpTheSmallClients(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	for i := range shownUsers + 3 {
		dsn := server.TCP().URL("postgres")
		c, err := allDrivers[0].connector(dsn, "client "+strconv.Itoa(i))
		if err != nil {
			t.Fatal(err)
		}
		conn, err := c.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
	found := checked(t, exitOK, server.TCP().URL("postgres"), "--driver", "pgx")
	sum := 0
	for _, u := range found.Server.Users {
		sum += u.Connections
	}
	if last := found.Server.Users[shownUsers-1]; len(found.Server.Users) != shownUsers || last.Role != "(others)" || sum != found.Server.Used {
		t.Errorf("got %+v of %d", found.Server.Users, found.Server.Used)
	}
}

func TestCheckSeesAStandby(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	standby, err := server.StartStandby(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = standby.Close() }()
	found := checked(t, exitOK, standby.DSN("postgres"))
	if !found.Server.Standby || !strings.Contains(ids(found, change), "standby") {
		t.Errorf("got %+v, advice %+v", found.Server, found.Advice)
	}
	found = checked(t, exitFailed, standby.TCP().With("target_session_attrs", "read-write").URL("postgres"))
	for _, d := range found.Drivers {
		if !strings.Contains(d.Error, "standby") || !strings.Contains(d.Remedy, "target_session_attrs") {
			t.Errorf("%s: %s; %s", d.Driver, d.Error, d.Remedy)
		}
	}
}
