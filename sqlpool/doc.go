// Package sqlpool is a connection pool that goes behind a *sql.DB.
package sqlpool
