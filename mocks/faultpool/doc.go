// Package faultpool is a mock database whose pool fails as a real one does, so that a
// program's error handling can be tested without a server.
//
//	db, mock, faults, err := faultpool.New(t)
//	faults.Saturate()
//	// each operation on db fails with sqlpool.ErrSaturated
//	faults.Restore()
//
// To test code that tries again, use a fault that ends by itself, or begins later:
//
//	faults.Next(2).TakeDown(nil)                // the third acquire succeeds
//	faults.After(time.Second).RefuseWrites(nil) // the primary has become a standby
//
// The errors are real: for each fault of an acquire there is a real pool in that state,
// which refuses the operation. Open transactions and rows keep their connection and
// continue, as in production.
//
// For code that tries again, a broken connection is one of two cases. In the first, the
// statement was sent and its answer never came, so its effect is unknown: the mock
// returns ErrConnReset, and the code gets a *sqlpool.ConnLostError whose Sent is true.
//
//	mock.ExpectBegin()
//	mock.ExpectExec("UPDATE").WillReturnError(faultpool.ErrConnReset)
//
// In the second, the connection had broken before, and nothing was sent: Disconnect
// breaks the connections that are in use, and Sent is false. In neither case write an
// ExpectRollback: a lost connection ends its transaction, and tx.Rollback reaches no
// server.
//
// Rows that break midway (RowError with ErrConnReset, or Disconnect) end with the
// network's error as it is, which is not a ConnLostError: in production too, a
// driver hands its rows to database/sql, and package sqlpool does not see them.
// The rest of the transaction then fails with a ConnLostError.
//
// Everything else works as in package sqlmockpool, the verdict at the end of the test
// included.
package faultpool
