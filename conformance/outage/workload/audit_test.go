package workload

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/sqlpool/go/conformance/outage/ledger"
	"github.com/sqlpool/go/internal/pgserver"
)

// Each check is seen to fail, on books that are wrong in its own way only.
func TestEveryCheckIsSeenToFail(t *testing.T) {
	dsn := pgserver.Database(t)
	db := pooled(t, dsn, "pgx")
	const logged = "INSERT INTO bank.transfers VALUES (TOKEN, 1, 2, 0)"
	known := func(known ledger.Outcome) func(*Run, int64) {
		return func(r *Run, token int64) { r.book.Note(token, known) }
	}
	for i, test := range []struct {
		fails string
		in    string // what happens to the database
		to    func(r *Run, token int64)
	}{
		// The payer of one transfer becomes an unknown account, and has its money back.
		{fails: "money", in: `
			WITH one AS (SELECT ctid, source, amount FROM bank.transfers LIMIT 1),
				paid AS (UPDATE bank.accounts SET balance = balance + amount FROM one WHERE id = source)
			UPDATE bank.transfers t SET source = 0 FROM one WHERE t.ctid = one.ctid`},
		{fails: "balances", in: `
			WITH rich AS (SELECT id FROM bank.accounts ORDER BY balance DESC LIMIT 1)
			UPDATE bank.accounts a SET balance = balance + CASE a.id WHEN rich.id THEN -1 ELSE 1 END
			FROM rich WHERE a.id IN (rich.id, rich.id % 20 + 1)`},
		{fails: "acknowledged", to: known(ledger.Acknowledged)},
		{fails: "acknowledged", to: known(ledger.Acknowledged), in: logged + ";" + logged},
		{fails: "", to: known(ledger.Acknowledged), in: logged},
		{fails: "unacknowledged", to: known(ledger.Unknown), in: logged + ";" + logged},
		{fails: "", to: known(ledger.Unknown), in: logged},
		{fails: "", to: known(ledger.Unknown)},
		{fails: "uncommitted", to: known(ledger.Failed), in: logged},
		{fails: "uncommitted", to: known(ledger.Failed), in: logged + ";" + logged},
		{fails: "uncommitted", in: logged}, // a token that was never given out
		{fails: "snapshots", to: func(r *Run, _ int64) { r.wrongSums.Add(1) }},
		{fails: "errors", to: func(r *Run, _ int64) { r.trouble.note("test", errors.New("boom")) }},
		{fails: "errors bad-connection", to: func(r *Run, _ int64) {
			r.trouble.note("test", fmt.Errorf("late: %w", driver.ErrBadConn))
		}},
		{fails: "errors bad-connection", to: func(r *Run, _ int64) {
			r.trouble.note("test", errors.New("only the text: driver: bad connection"))
		}},
	} {
		t.Run(fmt.Sprint(i, " ", test.fails), func(t *testing.T) {
			b := create(t, db, fmt.Sprint("bank", i), 20)
			r := work(limited(t), t, b, db, 100)
			token := int64(1 << 60)
			if test.to != nil {
				token = r.book.Token()
				r.book.Note(token, ledger.Failed)
				test.to(r, token)
			}
			if test.in != "" {
				in := strings.ReplaceAll(b.in(test.in), "TOKEN", strconv.FormatInt(token, 10))
				if err := pgserver.NewConsole(dsn).Exec(limited(t), in); err != nil {
					t.Fatal(err)
				}
			}
			if names, details := failed(t, r, db); names != test.fails {
				t.Errorf("%q failed, want %q:\n%s", names, test.fails, details)
			}
		})
	}
}

// A sum that is wrong while the run lasts is noticed by the run's own audits.
func TestAuditsDuringTheRunCompareTheSum(t *testing.T) {
	db := pooled(t, pgserver.Database(t), "pgx")
	b := create(t, db, "bank", 20)
	if _, err := db.Exec(b.in("UPDATE bank.accounts SET balance = balance + 1 WHERE id = 1")); err != nil {
		t.Fatal(err)
	}
	if names, _ := failed(t, work(limited(t), t, b, db, 500), db); names != "money snapshots balances" {
		t.Errorf("failed: %s", names)
	}
}

// Errors of the workload's own statements end up in the check.
func TestTroubleIsReported(t *testing.T) {
	db := pooled(t, pgserver.Database(t), "pq")
	b := create(t, db, "bank", 20)
	if _, err := db.Exec(b.in("ALTER TABLE bank.transfers ADD CHECK (amount < 50)")); err != nil {
		t.Fatal(err)
	}
	r := work(limited(t), t, b, db, 200)
	names, details := failed(t, r, db)
	if n, _, _ := r.trouble.sum(); names != "errors" || n < 10 {
		t.Errorf("%s failed, with %d errors:\n%s", names, n, details)
	}
}

func TestCreateIsRefused(t *testing.T) {
	server := pgserver.Shared(t)
	database := server.NewDatabase(t)
	if err := server.Exec(limited(t), "CREATE ROLE guest LOGIN"); err != nil {
		t.Fatal(err)
	}
	endpoint := server.TCP()
	endpoint.User = "guest"
	db := pooled(t, endpoint.URL(database), "pgx")
	_, err := Create(limited(t), db, "bank", 20)
	var refused *SchemaError
	if !errors.As(err, &refused) || refused.User != "guest" || refused.Database != database || sqlState(err) != "42501" {
		t.Fatalf("got %v", err)
	}
	if err := server.Exec(limited(t), fmt.Sprintf("GRANT CREATE ON DATABASE %s TO guest", quote(database))); err != nil {
		t.Fatal(err)
	}
	b := create(t, db, "bank", 20) // the remedy works
	if _, err := Create(limited(t), db, "bank", 20); !errors.As(err, &refused) || sqlState(err) != "42P06" {
		t.Errorf("a schema that exists: %v", err)
	}
	if err := b.Drop(limited(t), db); err != nil {
		t.Error(err)
	}
	if err := b.Drop(limited(t), db); err == nil {
		t.Error("dropped twice")
	}
}
