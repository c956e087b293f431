// Package library is a small service on *sql.DB, as it might have been before the pool:
// a repository (shelf.go) and its HTTP handler (handler.go). One line added the pool
// (open.go), and it chooses the driver. The only other change is how the handler treats
// the pool's errors (status.go).
//
// Its tests run on go-sqlmock, through the real pool:
//
//	go test ./...
//
// and the same tests on a real server, through pgx and through lib/pq:
//
//	SQLPOOL_TEST_DSN=postgres://… go test ./...
package library
