package workload

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// openingBalance is what each account starts with. Amounts are at most a tenth of it, so some transfers meet an empty
// account and are refused.
const openingBalance = 1000

// Bank is a schema with accounts and the log of all transfers between them. It touches nothing outside that schema.
type Bank struct {
	schema   string // quoted
	accounts int
}

// Create makes the schema, which must not exist yet, with so many accounts: all of it or nothing. The error names the
// database, the user and the remedy.
func Create(ctx context.Context, db *sql.DB, schema string, accounts int) (*Bank, error) {
	b := &Bank{schema: quote(schema), accounts: accounts}
	var database, user string
	if err := db.QueryRowContext(ctx, "SELECT current_database(), current_user").Scan(&database, &user); err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("beginning a transaction in database %q: %w", database, err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if _, err := tx.ExecContext(ctx, "CREATE SCHEMA "+b.schema); err != nil {
		return nil, &SchemaError{Database: database, User: user, Schema: schema, Err: err}
	}
	for _, statement := range []string{
		"CREATE TABLE %s.accounts (id int PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0))",
		// No unique constraint on token: a transfer that is logged twice should be seen, not refused.
		`CREATE TABLE %s.transfers (
			token bigint NOT NULL, source int NOT NULL, target int NOT NULL, amount bigint NOT NULL,
			at timestamptz NOT NULL DEFAULT now())`,
		"CREATE INDEX ON %s.transfers (source, at)",
		fmt.Sprintf("INSERT INTO %%s.accounts SELECT id, %d FROM generate_series(1, %d) AS id", openingBalance, accounts),
	} {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(statement, b.schema)); err != nil {
			return nil, fmt.Errorf("filling schema %s: %w", b.schema, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("creating schema %s: %w", b.schema, err)
	}
	return b, nil
}

// Total is the money in the bank, whatever is moved.
func (b *Bank) Total() int64 { return int64(b.accounts) * openingBalance }

// Accounts is how many accounts there are, numbered from 1.
func (b *Bank) Accounts() int { return b.accounts }

// Drop removes the schema with all that is in it.
func (b *Bank) Drop(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, "DROP SCHEMA "+b.schema+" CASCADE"); err != nil {
		return fmt.Errorf("dropping schema %s, which is left behind: %w", b.schema, err)
	}
	return nil
}

// in replaces "bank." by the schema in a statement's text.
func (b *Bank) in(query string) string { return strings.ReplaceAll(query, "bank.", b.schema+".") }

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// SchemaError is a database in which the bank may not have a schema of its own.
type SchemaError struct {
	Database, User, Schema string
	Err                    error // what the server said
}

// Error names the database and what to do.
func (e *SchemaError) Error() string {
	remedy := "use another database"
	if sqlState(e.Err) == "42501" { // insufficient_privilege
		remedy = fmt.Sprintf("GRANT CREATE ON DATABASE %s TO %s, or %s", quote(e.Database), quote(e.User), remedy)
	}
	return fmt.Sprintf("user %q cannot create the schema %s in database %q, and nothing outside a schema of its own is "+
		"touched: %v; %s", e.User, quote(e.Schema), e.Database, e.Err, remedy)
}

// Unwrap returns what the server said.
func (e *SchemaError) Unwrap() error { return e.Err }

// sqlState returns the error's SQLSTATE, or nothing. Both drivers' errors have the method.
func sqlState(err error) string {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return state.SQLState()
	}
	return ""
}
