// Package acceptance holds the tests of the pool behind *sql.DB on a real
// PostgreSQL, through each driver: what a user is promised, counted on the
// server. It has no code of its own.
package acceptance
