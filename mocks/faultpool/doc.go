// Package faultpool is a mock database whose pool fails the way a real one
// does, so that a program's handling of that can be tested without a server.
//
//	db, mock, faults := faultpool.New(t)
//	faults.Saturate()
//	// the next operation on db fails with sqlpool.ErrSaturated
//	faults.Restore()
//
// The errors are not made up: behind each fault is a real pool in that state,
// and the operation is refused by it. Transactions and rows that are under way
// keep their connection and go on, as in life. To end one of those, have the
// mock return ErrConnReset where the connection is to break:
//
//	mock.ExpectBegin()
//	mock.ExpectExec("UPDATE").WillReturnError(faultpool.ErrConnReset)
//
// No ExpectRollback follows: a lost connection takes its transaction with it,
// and tx.Rollback reaches no server.
//
// Everything else is as in package sqlmockpool, the verdict at the end of the
// test included.
package faultpool
