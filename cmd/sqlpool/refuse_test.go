package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/sqlpool/go/internal/pgserver"
)

func TestUsageErrorsAreExitStatus2(t *testing.T) {
	const secret = "hunter2"
	for _, test := range []struct{ args, want string }{
		{"", `sqlpool: expected one of "demo", `},
		{"dmo", `did you mean "demo"?`},
		{"demo --nonsense", "sqlpool demo: unknown flag --nonsense"},
		{"demo --duration 0s", "--duration is 0s: it must be positive"},
		{"demo --duration soon", "--duration"},
		{"demo --goroutines 0 --max-conns=-1", "--goroutines is 0: it must be at least 1\n--max-conns is -1"},
		{"soak --dsn postgres://me:hunter2@host/db", "sqlpool soak: unknown flag --dsn"},
		{"demo --dsn postgres://me:hunter2@host/db --outage 5s", "--outage is set with --dsn"},
		{"demo --outage=-1s", "--outage is -1s: it must not be negative"},
		{"soak --callers 0 --duration 0s", "--duration is 0s: it must be positive\n--callers is 0"},
		{"demo --driver mysql", `--driver must be one of "pgx","pq","both"`},
		{"demo postgres://me:hunter2@host/db", "unexpected argument (a connection string)"},
		{"demo host=h|password=hunter2", "unexpected argument (a connection string)"},
		{"demo --driver=postgres://me:hunter2@host/db", "but got (a connection string)"},
		{"demo --driver postgres://me:hunter2@host/db", "but got (a connection string)"},
		{"demo --json=postgres://me:hunter2@host/db", "--json"},
		{"demo --dsn postgres://me:hunter2@host:port/db", "--dsn for pgx: pgxv5: cannot parse"},
		{"demo --dsn postgres://me:hunter2@host:port/db", "--dsn for pq: libpq: cannot parse"},
		{"demo --driver pq --dsn nonsense|password=hunter2", "--dsn for pq"},
	} {
		args := strings.Fields(test.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "|", " ")
		}
		status, stdout, stderr := start(t, nil, args...)
		if status != exitUsage || stdout != "" || !strings.Contains(stderr, test.want) || !strings.Contains(stderr, " --help\n") {
			t.Errorf("%s: status %d, stdout %q, stderr:\n%s", test.args, status, stdout, stderr)
		}
		if strings.Contains(stderr, secret) {
			t.Errorf("%s: the password is shown:\n%s", test.args, stderr)
		}
	}
}

// Every verb has an example, --json and, if it works in a database, the flags that name it.
func TestHelp(t *testing.T) {
	parser := newParser(t.Context(), &console{}, &verbs{})
	for _, verb := range parser.Model.Children {
		status, stdout, stderr := start(t, nil, verb.Name, "--help")
		wants := []string{"Example:\n\n    sqlpool " + verb.Name, "--json"}
		switch verb.Name {
		case "watch": // which reads a page
		case "soak": // which kills its server
			if strings.Contains(stdout, "--dsn") {
				t.Errorf("soak --help offers --dsn, which it does not take:\n%s", stdout)
			}
			wants = append(wants, "--driver=")
		default:
			wants = append(wants, "--driver=", "--dsn=")
		}
		for _, want := range wants {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s --help has no %q:\n%s", verb.Name, want, stdout)
			}
		}
		if status != exitOK || stderr != "" {
			t.Errorf("%s --help: status %d, stderr %q", verb.Name, status, stderr)
		}
	}
}

func TestADatabaseThatCannotBeUsedIsExitStatus1(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{PasswordAuth: true})
	database := server.NewDatabase(t)
	if err := server.Exec(t.Context(), "CREATE ROLE guest LOGIN PASSWORD 'hunter2'"); err != nil {
		t.Fatal(err)
	}
	guest, wrong := server.TCP(), server.TCP()
	guest.User, guest.Password = "guest", "hunter2"
	wrong.Password = "hunter2"
	for _, test := range []struct{ dsn, want string }{
		{guest.URL(database), `user "guest" cannot create the schema`},
		{guest.KeyValue(database), `GRANT CREATE ON DATABASE "` + database + `" TO "guest"`},
		{wrong.URL(database), "password authentication failed"},
		{server.DSN("no_such_database"), `database "no_such_database" does not exist`},
		{"postgres://me:hunter2@127.0.0.1:1/db?sslmode=disable", "connection refused"},
	} {
		for _, driver := range []string{"pgx", "pq"} {
			status, stdout, stderr := start(t, nil, "demo", "--json", "--duration", "50ms", "--driver", driver, "--dsn", test.dsn)
			result := parse(t, stdout)
			if status != exitFailed || result.OK || !strings.Contains(result.Error, test.want) || !strings.Contains(stderr, test.want) {
				t.Errorf("%s, %s: status %d, stderr %q, stdout:\n%s", driver, test.dsn, status, stderr, stdout)
			}
			for _, secret := range []string{"hunter2", server.Password()} {
				if strings.Contains(stdout+stderr, secret) {
					t.Errorf("%s, %s: the password is shown: %s%s", driver, test.dsn, stdout, stderr)
				}
			}
		}
	}
	unchanged(t, server.DSN(database))
}

func TestWithoutPostgreSQLTheRemedyIsSaid(t *testing.T) {
	t.Setenv("SQLPOOL_PG_BIN", t.TempDir())
	status, stdout, stderr := start(t, nil, "demo")
	if status != exitFailed || stdout != "" || !strings.Contains(stderr, "SQLPOOL_PG_BIN") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

// An interrupted demo, here at its first line of progress, cleans up in the user's database.
func TestAnInterruptedDemoCleansUp(t *testing.T) {
	dsn := pgserver.Database(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr bytes.Buffer
	c := &console{stdout: &stdout, stderr: writerFunc(func(p []byte) (int, error) {
		if !bytes.Contains(p, []byte("the pool, live")) {
			cancel()
		}
		return stderr.Write(p)
	})}
	status := run(ctx, c, []string{"demo", "--dsn", dsn, "--duration", "1h"})
	if status != exitInterrupted || stdout.Len() > 0 || !strings.HasSuffix(stderr.String(), "sqlpool demo: interrupted\n") {
		t.Errorf("status %d, stdout %q, stderr %q", status, &stdout, &stderr)
	}
	unchanged(t, dsn)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
