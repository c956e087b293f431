package byname

import (
	"database/sql"
	"fmt"
	"strconv"

	"github.com/sqlpool/go/sqlpool"
)

// SettingsOf returns the settings of a *sql.DB that sql.Open made under one of
// this package's names, all of them in the order of docs/settings.md, each with
// its source: SourceDSN, SourceDatabaseURL, SourceEnvironment with the
// variable's name, or SourceDefault. A wait of an hour or more has a Note that
// says how it was read, and pool_max_conns one while SetMaxOpenConns keeps callers
// from the pool. hooks/debugui shows them, and sqlpool check the notes.
func SettingsOf(db *sql.DB) ([]sqlpool.Setting, bool) {
	d, ok := db.Driver().(interface {
		Settings() []sqlpool.Setting
		Servers() int
	})
	if !ok {
		return nil, false
	}
	all := d.Settings()
	for i := range all {
		if all[i].Name == "pool_max_conns" {
			all[i].Note = overtaken(db.Stats().MaxOpenConnections, all[i].Value, d.Servers())
		}
	}
	return all, true
}

// overtaken tells of a SetMaxOpenConns that was left in, which the pool cannot
// see: with as many sessions as connections, no caller ever waits in the pool. Each server
// has a pool.
func overtaken(sessions int, maxConns string, servers int) string {
	if n, err := strconv.Atoi(maxConns); err != nil || sessions <= 0 || sessions > n*servers {
		return ""
	}
	on := ""
	if servers > 1 {
		on = fmt.Sprintf(" on each of %d servers", servers)
	}
	return fmt.Sprintf("SetMaxOpenConns(%d) does not exceed pool_max_conns=%s%s: callers wait in database/sql, without pool_acquire_timeout and "+
		"without the names of the holders, and the pool looks healthy: delete the call", sessions, maxConns, on)
}

// told is the settings as they were read, in words.
func (r *reading) told() []sqlpool.Setting {
	all := make([]sqlpool.Setting, len(settings))
	for i := range settings {
		s := &settings[i]
		all[i] = sqlpool.Setting{Name: s.name, Value: s.value.get(&r.assembly), Source: SourceDefault}
		g, chosen := r.given[s]
		if !chosen {
			continue
		}
		all[i].Source, all[i].Note = g.source, s.warning(g)
		if g.name != s.name {
			all[i].Source += " (" + g.name + ")"
		}
		if s.value.kind == "text" { // of all kinds, only a name could be anything
			all[i].Value = harmless(all[i].Value)
		}
	}
	return all
}
