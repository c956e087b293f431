// Package library is a small service on *sql.DB, as it might have been before
// the pool: a repository (shelf.go) and its HTTP handler (handler.go). The pool
// came in by one line (open.go), and the driver is chosen there. What else
// changed is what the handler knows of the pool's errors (status.go).
//
// Its tests run on go-sqlmock, through the real pool:
//
//	go test ./...
//
// and the same tests on a real server, through pgx and through lib/pq:
//
//	SQLPOOL_TEST_DSN=postgres://… go test ./...
package library
