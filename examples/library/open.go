package library

import (
	"context"
	"database/sql"

	_ "github.com/sqlpool/go/drivers" // "sqlpool-pgx" and "sqlpool-pq"
)

// Open opens the library's database. The driver is "sqlpool-pgx" or
// "sqlpool-pq", and the pool's settings may stand in the connection string:
// this was sql.Open("pgx", dsn) or sql.Open("postgres", dsn).
func Open(driver, dsn string) (*sql.DB, error) { return sql.Open(driver, dsn) }

// Create makes the tables.
func Create(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `
		CREATE TABLE books (id bigint PRIMARY KEY, title text NOT NULL, lent boolean NOT NULL DEFAULT false);
		CREATE TABLE loans (book bigint NOT NULL REFERENCES books, reader text NOT NULL)`)
	return err
}
