// Package sqlmockpool runs go-sqlmock behind the real pool: an existing suite keeps its
// expectations, and its code runs on a pool as in production, without a server.
//
//	db, mock, err := sqlmockpool.New(t)
//
// replaces
//
//	db, mock, err := sqlmock.New()
//
// and at the end of the test
//
//   - the test fails if an expected call did not come; the error has both lists;
//   - the test fails if Rows, a Tx or a Conn was not given back; the error has the line
//     that acquired it.
//
// Calls that the pool makes by itself (pings, closes, statements of hooks, preparing a
// *sql.Stmt on one more connection, a second try) use no expectation.
//
// # Which test fails
//
// The test that opened the database fails. With Watch each subtest fails for its own
// leaks. AllowLeaks ignores leaks. Where there is no test, use a Verdict: its End
// returns the errors for which a test would have failed.
//
// # What is different from sqlmock.New
//
//   - db.Close is one Close of the mock, however many connections were open.
//     database/sql closes each, at times that a test cannot see.
//   - A mocked error that ends a connection (driver.ErrBadConn, io.EOF, a *net.OpError,
//     an SQLSTATE of class 08 or 57P) reaches the code under test as in production: the
//     statement is not run again, and the error is a *sqlpool.ConnLostError that wraps
//     the mocked one. As an error of a row (RowError) it is returned unchanged, and
//     what follows in the same transaction is a *sqlpool.ConnLostError, of which
//     nothing was sent.
//   - A transaction whose context ended leaves its connection in use. With
//     plain database/sql the mock would be closed.
//   - The mock's connections are not opened and closed with those of the pool, so their
//     number says nothing about the pool.
//   - A database that its test left open is closed at the test's end, and its
//     data source name can be used again.
//   - db.Driver and an error of go-sqlmock's that New returns are go-sqlmock's
//     own; the driver's name for sql.Open is "sqlmockpool" (NewWithDSN).
//
// Of go-sqlmock's 134 own tests, run through New and NewWithDSN, two differ for these
// reasons: TestShouldOpenConnectionIssue15 counts the mock's open connections, and
// TestDuplicateNewDSN wants the name of a database that an earlier test left open.
// Others have the results of plain go-sqlmock, but leave something open or unmet on
// purpose, for which New fails its test. docs/suites.md has the run.
package sqlmockpool
