//go:build go1.26

package sqlpool

// Since Go 1.26 package sql asks the column converter of a statement also when
// it does not say how many arguments it takes.
const convertsUncounted = true
