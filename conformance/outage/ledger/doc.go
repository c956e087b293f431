// Package ledger is a soak that counts: callers write unique tokens while
// statements are cut, replies are lost and the server dies, and at the end what
// each caller was told is held against what the server has. An acknowledged
// token is there exactly once, a failed one never, an unknown one at most once.
//
// config.go and report.go are what goes in and comes out; run.go is a run from
// its server's start to the audit; writes.go is what callers do, weather.go what
// happens to them meanwhile; outcome.go says what an error tells a caller,
// book.go keeps it, and seen.go is what the server has.
package ledger
