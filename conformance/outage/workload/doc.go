// Package workload is a small bank in plain database/sql. It uses a pool as a user's program does, and its accounts
// can be audited. It does not know the pool behind its *sql.DB.
//
// A run, file by file:
//
//   - bank.go creates the accounts in a schema of their own, and drops it at the end;
//   - run.go starts the goroutines and worker.go is the life of one of them;
//   - transfer.go, write.go, read.go and cancel.go are its operations: money moves in transactions and is read, tokens
//     are written without one, and some contexts end in the middle;
//   - trouble.go keeps every error that was not planned;
//   - audit.go compares what each caller was told, which is in a ledger.Book, with what the database holds.
//
// A soak is a run on a private server while statements are cut, replies are lost and the server dies: soak.go, with
// config.go and report.go, and faults.go for what happens.
package workload
