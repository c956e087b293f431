//go:build !go1.26

package driverx

// Before Go 1.26 database/sql does not ask the column converter of a statement
// that does not say how many arguments it takes, and passes them on as they are.
const convertsUncounted = false
