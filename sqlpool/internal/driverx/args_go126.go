//go:build go1.26

package driverx

// Since Go 1.26 database/sql asks the column converter of a statement also when
// it does not say how many arguments it takes.
const convertsUncounted = true
