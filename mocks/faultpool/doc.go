// Package faultpool is a mock database whose pool fails the way a real one
// does, so that a program's handling of that can be tested without a server.
//
//	db, mock, faults, err := faultpool.New(t)
//	faults.Saturate()
//	// each operation on db fails with sqlpool.ErrSaturated
//	faults.Restore()
//
// Code that tries again is tested with a fault that ends by itself, or begins
// later:
//
//	faults.Next(2).TakeDown(nil)                // the third acquire succeeds
//	faults.After(time.Second).RefuseWrites(nil) // the primary has become a standby
//
// The errors are not made up: behind each fault of an acquire is a real pool in
// that state, and the operation is refused by it. Transactions and rows that are
// under way keep their connection and go on, as in life.
//
// A connection that breaks is one of two things to code that tries again. Where
// the statement was sent and its answer never came, what it did is unknown: the
// mock returns ErrConnReset, and the code gets a *sqlpool.ConnLostError whose
// Sent is true.
//
//	mock.ExpectBegin()
//	mock.ExpectExec("UPDATE").WillReturnError(faultpool.ErrConnReset)
//
// Where the connection had gone before, nothing was sent: Disconnect breaks
// what is in use, and Sent is false. In neither case does an ExpectRollback
// follow: a lost connection takes its transaction with it, and tx.Rollback
// reaches no server.
//
// Rows that break midway (RowError with ErrConnReset, or Disconnect) end with the
// network's error as it is, which is not a ConnLostError: in production too, a
// driver hands its rows to package sql, and package sqlpool does not see them.
// The rest of the transaction then fails with a ConnLostError.
//
// Everything else is as in package sqlmockpool, the verdict at the end of the
// test included.
package faultpool
