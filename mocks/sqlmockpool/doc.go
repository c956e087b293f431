// Package sqlmockpool is go-sqlmock through the real pool: an existing suite
// keeps its expectations, and its code runs on a pool as in production, without
// a server.
//
//	db, mock, err := sqlmockpool.New(t)
//
// replaces
//
//	db, mock, err := sqlmock.New()
//
// and at the end of the test
//
//   - what was expected and did not come fails it, with both lists;
//   - Rows, a Tx or a Conn that was not given back fails it, with the line that
//     acquired it.
//
// What the pool does of its own accord (pings, closes, statements of hooks,
// preparing a *sql.Stmt on one more connection, a second try) consumes no
// expectation.
//
// # Which test fails
//
// The one that opened the database. Watch has each subtest answer for its own
// leaks, AllowLeaks leaves leaks out, and a Verdict stands in where there is no
// test: its End returns what a test would have failed for.
//
// # What is different from sqlmock.New
//
//   - db.Close is one Close of the mock, however many connections were open.
//     Package sql closes each, at times that a test cannot see.
//   - A mocked error that ends a connection (driver.ErrBadConn, io.EOF, a
//     *net.OpError, an SQLSTATE of class 08 or 57P) reaches the code under test
//     as in production: the statement is not run again, and the error is a
//     *sqlpool.ConnLostError that wraps the mocked one. As an error of a row
//     (RowError) it is told as it is, and what follows in the same transaction
//     is a *sqlpool.ConnLostError, of which nothing was sent.
//   - A transaction whose context ended leaves its connection in use. With
//     plain package sql the mock would be closed.
//   - Its connections are not opened and closed with those of the pool, so
//     nothing is to be learnt from how many the mock has open.
//   - A database that its test left open is closed at the test's end, and its
//     data source name can be used again.
//   - db.Driver and an error of go-sqlmock's that New returns are go-sqlmock's
//     own; the driver's name for sql.Open is "sqlmockpool" (NewWithDSN).
//
// Of go-sqlmock's own tests, run through New and NewWithDSN, two differ for
// these reasons, beside those that the verdict fails because they leave
// something open or unmet on purpose: TestShouldOpenConnectionIssue15 counts the
// mock's open connections, and TestDuplicateNewDSN wants the name of a database
// that an earlier test left open.
package sqlmockpool
