// Package workload is a small bank in plain database/sql: what a user's program does to a pool, with books that can be
// audited. It knows nothing of the pool behind its *sql.DB.
//
// A run, file by file:
//
//   - bank.go creates the accounts in a schema of their own, and drops it at the end;
//   - run.go starts the goroutines and worker.go is the life of one of them;
//   - transfer.go, read.go and cancel.go are what it does: money moves in transactions, is looked at, and now and then
//     a context ends in the middle;
//   - trouble.go keeps every error that nobody planned;
//   - audit.go compares what each transfer's caller was told, which is in a ledger.Book as in a soak, with what the
//     database holds.
package workload
