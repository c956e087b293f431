// Package stray refuses settings of the pool in a connection string that nobody
// will read them from.
package stray

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// prefix marks a parameter as the pool's, in package drivers too.
const prefix = "pool_"

// Settings returns an error if any of the parameters that a driver does not know
// itself is the pool's. The server knows them no more: it would refuse each
// connection, with an error that says nothing of a pool. name is the one under
// which package drivers, which does read them, opens the same driver.
func Settings(name string, params map[string]string) error {
	var found []string
	for _, p := range slices.Sorted(maps.Keys(params)) {
		if len(p) < len(prefix) || !strings.EqualFold(p[:len(prefix)], prefix) {
			continue
		}
		if odd(p) {
			p = "a " + prefix + " parameter whose name is not shown"
		}
		found = append(found, p)
	}
	if found == nil {
		return nil
	}
	return fmt.Errorf("the connection string has %s: names that begin with %s are settings of the pool, which a connector made by hand "+
		"does not read and the server does not know; open the database with sql.Open(%q, dsn) or drivers.Open(%q, dsn), which read them "+
		"from the connection string itself (not from a service file), or take them out and set sqlpool.Config (docs/settings.md)",
		strings.Join(slices.Compact(found), ", "), prefix, name, name)
}

// odd reports whether no setting could be called so. Where a string is written
// wrongly, a part of a password goes for a parameter's name: lib/pq takes
// "postgres://u:1?pool_s3cret=2@h" like that. Values are never shown.
func odd(name string) bool {
	return len(name) > 63 || strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
	})
}
