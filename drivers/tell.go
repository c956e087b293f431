package drivers

import (
	"database/sql"

	"github.com/sqlpool/go/sqlpool"
)

// SettingsOf returns the settings of a *sql.DB that sql.Open made under one of
// this package's names, all of them in the order of docs/settings.md, each with
// its source: SourceDSN, SourceDatabaseURL, SourceEnvironment with the
// variable's name, or SourceDefault. A wait of an hour or more has a Note that
// says how it was read. hooks/debugui shows them, and sqlpool check the notes.
func SettingsOf(db *sql.DB) ([]sqlpool.Setting, bool) {
	if d, ok := db.Driver().(interface{ Settings() []sqlpool.Setting }); ok {
		return d.Settings(), true
	}
	return nil, false
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
		all[i].Source, all[i].Note = g.source, s.doubt(g)
		if g.name != s.name {
			all[i].Source += " (" + g.name + ")"
		}
		if s.value.kind == "text" { // of all kinds, only a name could be anything
			all[i].Value = harmless(all[i].Value)
		}
	}
	return all
}
