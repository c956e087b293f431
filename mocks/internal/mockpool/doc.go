// Package mockpool is a real pool over go-sqlmock's connections: what
// mocks/sqlmockpool and mocks/faultpool have in common.
//
// Go-sqlmock has one connection, whose every call consumes an expectation. A
// pool makes calls of its own (pings, closes, statements of hooks), opens and
// closes connections as it likes and prepares a statement once on each. So a
// layer stands on either side of the pool:
//
//	database/sql → session → pool → conn → go-sqlmock
//
// File by file:
//
//   - connector.go makes the sessions, and the conns, of which any number stand
//     for the one mock;
//   - conn.go passes on what is called on a lent connection, and unlent.go
//     answers what is called on one that is not lent: that was not the code
//     under test;
//   - session.go and call.go mark each call of database/sql, so that a second
//     try of the pool's gets the first one's answer;
//   - stmt.go ties a statement to the *sql.Stmt, whichever connections the pool
//     has it prepared on;
//   - rows.go and lost.go end a connection by an error of the mock's that ends
//     a real one;
//   - loans.go records who has a connection and watch.go the test that fails for its
//     leak; came.go records the calls and expected.go the expected ones; diff.go and
//     verdict.go judge the test at its end;
//   - driver.go opens a mock database once more, by its data source name.
package mockpool
