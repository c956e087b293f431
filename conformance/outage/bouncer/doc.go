// Package bouncer runs a private PgBouncer in front of a PostgreSQL: one that a
// test may kill and start again, and that cannot outlive its process.
//
// program.go finds it, config.go writes its settings, bouncer.go runs it.
package bouncer
