// Package ledger is a soak that counts: callers write unique tokens while
// statements are cut, replies are lost and the server dies, and at the end what
// each caller was told is compared with what the server has. An acknowledged
// token is there exactly once, a failed one never, an unknown one at most once.
//
// config.go and report.go are the input and the result; run.go is a run from
// its server's start to the audit; writes.go is what callers do, faults.go the
// faults that are injected; outcome.go decides what an error tells a caller,
// book.go stores it, and seen.go reads what the server has.
package ledger
