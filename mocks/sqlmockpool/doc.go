// Package sqlmockpool is go-sqlmock through the real pool: an existing suite
// keeps its expectations, and its code runs on a pool as in production, without
// a server.
//
//	db, mock := sqlmockpool.New(t)
//
// replaces
//
//	db, mock, err := sqlmock.New()
//	defer db.Close()
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
// # What is different from sqlmock.New
//
//   - db.Close is one Close of the mock, however many connections were open.
//     Package sql closes each, at times that a test cannot see.
//   - A mocked error that ends a connection (driver.ErrBadConn, io.EOF, a
//     *net.OpError, an SQLSTATE of class 08 or 57P) reaches the code under test
//     as in production: the statement is not run again, and the error is a
//     *sqlpool.ConnLostError that wraps the mocked one.
//   - A transaction whose context ended leaves its connection in use. With
//     plain package sql the mock would be closed.
package sqlmockpool
