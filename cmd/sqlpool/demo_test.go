package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/sqlpool/go/conformance/outage/workload"
	"github.com/sqlpool/go/internal/pgserver"
)

// start runs the command in this process and returns its exit status and what it wrote.
func start(t *testing.T, tamper tamper, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	return startWithin(t, 2*time.Minute, tamper, args...) // far above what it takes
}

func startWithin(t *testing.T, limit time.Duration, tamper tamper, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var out, errs bytes.Buffer
	status = run(ctx, &console{stdout: &out, stderr: &errs, tamper: tamper}, args)
	return status, out.String(), errs.String()
}

// parse reads the output of --json, which is one object and nothing else.
func parse(t *testing.T, stdout string) (result demoResult) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&result); err != nil {
		t.Fatalf("%v in %q", err, stdout)
	}
	if _, err := decoder.Token(); err != io.EOF {
		t.Fatalf("more than one object: %q", stdout)
	}
	return result
}

// With four callers for each connection the pool grows to its limit, which takes six dials of at most four at a time:
// a demo of a second that opens fewer than eight shows a pool that does not grow.
func TestDemo(t *testing.T) {
	began := time.Now()
	status, stdout, stderr := start(t, nil, "demo", "--duration", "1s", "--outage", "500ms", "--json")
	if status != exitOK {
		t.Errorf("status %d: %s", status, stderr)
	}
	result := parse(t, stdout)
	if !result.OK || result.Error != "" || !result.Server.Private || result.Server.Version == "" || len(result.Drivers) != 2 {
		t.Errorf("got %s", stdout)
	}
	for i, d := range result.Drivers {
		if d.Driver != allDrivers[i].name || d.Seconds < 1 {
			t.Errorf("driver %d is %s and ran %v s", i, d.Driver, d.Seconds)
		}
		if len(d.Checks) < 13 {
			t.Errorf("%s: only %d checks", d.Driver, len(d.Checks))
		}
		for _, c := range d.Checks {
			if c.Status != workload.OK {
				t.Errorf("%s: %s: %s: %s", d.Driver, c.Rule, c.Status, c.Detail)
			}
		}
		if d.BackendsPeak.Count != 8 || d.Prepares.Repeated != 1 || d.Prepares.Count < d.Prepares.Connections ||
			d.Prepares.Count > d.Prepares.Connections*d.Prepares.Texts || int64(d.Prepares.Count)*5 > d.Prepares.Executions {
			t.Errorf("%s: backends %+v, prepares %+v", d.Driver, d.BackendsPeak, d.Prepares)
		}
		if w := d.AcquireWait; w.Acquires == 0 || w.P50 <= 0 || w.P50 > w.P99 || w.P99 > w.Max {
			t.Errorf("%s: waits %+v", d.Driver, w)
		}
		if o := d.Outage; o == nil || o.Away < 0.5 || o.Waited == 0 || o.Lost > 8 || o.Errors != 0 || o.Recovered <= 0 {
			t.Errorf("%s: outage %+v", d.Driver, o)
		}
		if d.Dials < 8 || d.DialErrors != 0 || d.Ran.Transfers == 0 || d.Throughput.Transfers <= 0 {
			t.Errorf("%s: %+v", d.Driver, d)
		}
	}
	plainProgress(t, stderr, time.Since(began), 1)
}

// plainProgress holds what a verb wrote without a terminal against the rule for its progress, by which a log stays short: a
// plain line at the start and one in ten seconds, for each of so many progress lines.
func plainProgress(t *testing.T, stderr string, took time.Duration, each int) {
	t.Helper()
	_, progress, ok := strings.Cut(stderr, "starting a private PostgreSQL\n")
	if most := each - 1 + each*int(took/(10*time.Second)); !ok || strings.ContainsAny(stderr, "\r\x1b") || strings.Count(progress, "\n") > most {
		t.Errorf("in %v and after the first line, want at most %d plain lines:\n%q", took, most, stderr)
	}
}

// On a terminal the demo and the soak show how far they are.
func TestProgressOnATerminal(t *testing.T) {
	for want, args := range map[string][]string{
		"lib/pq ######## ": {"demo", "--dsn", pgserver.Database(t), "--driver", "pq", "--duration", "50ms"},
		" acknowledged":    {"soak", "--driver", "pgx", "--duration", "50ms"},
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Setenv("TERM", "xterm")
			control, terminal, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = control.Close() }()
			if err := pty.Setsize(control, &pty.Winsize{Rows: 24, Cols: 200}); err != nil {
				t.Fatal(err)
			}
			shown := make(chan string, 1)
			go func() {
				text, _ := io.ReadAll(control) // to the error that a closed terminal is
				shown <- string(text)
			}()
			var out bytes.Buffer
			status := run(t.Context(), &console{stdout: &out, stderr: terminal}, args)
			_ = terminal.Close()
			if text := <-shown; status != exitOK || !strings.Contains(text, want) {
				t.Errorf("status %d, no %q in %q", status, want, text)
			}
		})
	}
}

// In a database of the user's the demo counts what it can, says what it cannot, and leaves nothing behind.
func TestDemoInAUsersDatabase(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{PasswordAuth: true})
	dsn := server.DSN(server.NewDatabase(t))
	status, stdout, stderr := start(t, nil, "demo", "--dsn", dsn, "--duration", "300ms", "--max-conns", "3")
	if status != exitOK {
		t.Errorf("status %d: %s", status, stderr)
	}
	for _, want := range []string{
		"on your server; 32 goroutines on at most 3 connections",
		"  backends, the most at once, counted on the server                           3            3\n",
		"  no statement was prepared twice on one connection                 not counted  not counted\n",
		"lib/pq, no statement was prepared twice on one connection: not counted: that takes the log of a private server\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if t.Failed() {
		t.Logf("the report:\n%s", stdout)
	}
	if strings.Contains(stdout+stderr, server.Password()) {
		t.Error("the password is shown")
	}
	unchanged(t, dsn)
}

// unchanged fails the test if anything of the demo's is left in the database.
func unchanged(t *testing.T, dsn string) {
	t.Helper()
	rows, err := pgserver.NewConsole(dsn).Query(t.Context(), `
		SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname LIKE 'sqlpool%'
		UNION ALL SELECT 'table ' || oid::regclass FROM pg_class WHERE relname IN ('accounts', 'transfers')
		UNION ALL SELECT 'backend ' || application_name FROM pg_stat_activity
			WHERE application_name LIKE 'sqlpool\_demo%' AND datname = current_database()`)
	if err != nil || len(rows) > 0 {
		t.Errorf("left behind: %v (%v)", rows, err)
	}
}

func TestAFailedCheckIsExitStatus1(t *testing.T) {
	dsn := pgserver.Database(t)
	steal := func(ctx context.Context, db *sql.DB, schema string) error {
		_, err := db.ExecContext(ctx, fmt.Sprintf(
			`UPDATE %s.accounts SET balance = balance - 1 WHERE id = (SELECT max(id) FROM %[1]s.accounts WHERE balance > 0)`, schema))
		return err
	}
	args := []string{"demo", "--dsn", dsn, "--driver", "pq", "--duration", "50ms"}
	status, stdout, stderr := start(t, steal, args...)
	for _, want := range []string{
		"  no money was lost or made                                              FAILED\n",
		"lib/pq, no money was lost or made: FAILED: the accounts hold 499999, at the start it was 500000\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if status != exitFailed || !strings.Contains(stderr, "/debug/sqlpool/\n") || !strings.HasSuffix(stderr, "\nsqlpool demo: a check failed\n") {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	status, stdout, _ = start(t, steal, append(args, "--json")...)
	result := parse(t, stdout)
	if status != exitFailed || result.OK || result.failed() != 2 {
		t.Errorf("status %d, %s", status, stdout)
	}
	unchanged(t, dsn)
}

// With replicas the demo shows which servers were read from, that sessions read their own writes, and a replica that was away.
func TestDemoWithReplicas(t *testing.T) {
	status, stdout, stderr := start(t, nil, "demo", "--driver", "pq", "--replicas", "2", "--duration", "300ms", "--outage", "0", "--json")
	if status != exitOK {
		t.Fatalf("status %d: %s\n%s", status, stderr, stdout)
	}
	for _, d := range parse(t, stdout).Drivers {
		r := d.Replicas
		if r == nil || len(r.Reads) != 3 || r.Reads[1] == 0 || r.Reads[2] == 0 || r.InSessions == 0 || r.Stale != 0 || r.Errors != 0 || r.Back <= 0 {
			t.Errorf("%s: %+v", d.Driver, r)
		}
		var buf bytes.Buffer
		if err := (&demoResult{Drivers: []driverResult{d}}).write(&buf); err != nil || !strings.Contains(buf.String(), "  reads on replica 2 ") {
			t.Errorf("%s: no replicas in the report (%v):\n%s", d.Driver, err, buf.String())
		}
	}
}
