// Package stray refuses settings of the pool in a connection string from
// which they are not read.
package stray

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Settings returns an *Error if any of the parameters that a driver does not know
// itself is the pool's. The server knows them no more: it would refuse each
// connection, with an error that says nothing of a pool. name is the one under
// which package drivers, which does read them, opens the same driver.
func Settings(name string, params map[string]string) error {
	var found []string
	for _, p := range slices.Sorted(maps.Keys(params)) {
		if Ours(p) {
			found = append(found, Shown(p))
		}
	}
	if found == nil {
		return nil
	}
	return &Error{Names: strings.Join(slices.Compact(found), ", "), opener: name}
}

// Error is about settings of the pool among a driver's parameters.
type Error struct {
	Names  string // those that may be shown, separated by commas
	opener string
}

// Error implements error for the developer who made the connector by hand. Values are never
// shown.
func (e *Error) Error() string {
	return fmt.Sprintf("the connection string has %s: names that begin with %s are settings of the pool, which a connector made by hand "+
		"does not read and the server does not know; open the database with sql.Open(%q, dsn) or drivers.Open(%q, dsn), which read them "+
		"from the connection string itself (not from a service file), or take them out and set sqlpool.Config (docs/settings.md)",
		e.Names, prefix, e.opener, e.opener)
}
