// Package ledger remembers what the callers of writes were told, each write by a
// token of its own, to be compared with what the server has: an acknowledged token
// is there exactly once, a failed one never, an unknown one at most once.
//
// outcome.go decides what an error tells a caller, book.go stores it, and seen.go
// reads what the server has.
package ledger
