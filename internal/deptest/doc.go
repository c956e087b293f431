// Package deptest tests which package of this repository may import which. [Rules] is the table; each row has its
// reason.
//
// The graph is read from the import clauses of all Go files, not from `go list`: so it holds for every operating
// system and build tag at once, reads the nested modules without their dependencies being downloaded, works while a
// package does not compile, and go test's cache sees which files the result depends on.
package deptest
