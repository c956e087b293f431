package conformance

import (
	"database/sql"
	"fmt"
	"strings"
)

// changeRules: a text that is older than what it speaks of.
var changeRules = []Rule{
	{
		ID:     "SQL-37",
		Rule:   "a text is answered after a change of the schema or of the search path as on a new connection; an error that the driver alone has too may come once",
		Why:    "what was prepared for the text answers in its place: with an error for as long as the connection lives, or with another tenant's rows",
		Source: "database/sql: DB.Query; this pool: a text is parsed anew, or is the driver's own to keep",
		needs:  []Need{NeedStale},
		check: func(x *trial) {
			pooled, alone := x.open(Settings{MaxConns: 1}).DB, x.plain()
			alone.SetMaxOpenConns(1)
			for n, c := range x.changes() {
				for i := range c.texts {
					c.texts[i].text += olderText + strings.Repeat(" ", n)
				}
				x.outlive(c, pooled, alone)
			}
		},
	},
}

// change is something after which a text has another answer.
type change struct {
	what   string
	texts  []ask
	before []string // what each session executes first
	beside []string // what another session then executes
	then   []string // what each session then executes itself

	// unseen says that the server tells no session of it: a driver that keeps statements
	// reads the old table, with or without a pool.
	unseen bool
}

// ask is a text and its arguments.
type ask struct {
	text string
	args []any
}

// olderText behind a text makes one of it that no other rule has.
var olderText = strings.Repeat(" ", 37)

// changes are those of the target, in an order in which one leaves alone what the next is about.
func (x *trial) changes() (all []change) {
	d := &x.target.Dialect
	if !d.Tables {
		if d.Path != "" && d.Show != "" {
			all = append(all, change{
				what: "a change of the search path", texts: asks(d.Show, ""),
				before: []string{fmt.Sprintf(d.Path, "one")}, then: []string{fmt.Sprintf(d.Path, "another")},
			})
		}
		return append(all, change{what: "a change of the schema", texts: asks(d.One, d.Echo), beside: []string{in(d.Alter, "t")}})
	}
	of := func(table string) []ask { return asks("SELECT * FROM "+table, in(d.Count, table)) }
	table, empty := x.table("v text"), x.table("v text")
	x.executeAll(x.look(), []string{"INSERT INTO " + table + " (v) VALUES ('7')"})
	schema, name, qualified := strings.Cut(table, ".")
	var path []string // to the table by its name alone
	switch {
	case !qualified:
		name = table
	case d.Path != "":
		path = []string{fmt.Sprintf(d.Path, schema)}
		for what, other := range map[string]string{"a like table": empty, "a table of another type": x.table("v int")} {
			schema, _, _ := strings.Cut(other, ".")
			all = append(all, change{
				what: "a search path that leads to " + what, texts: of(name), before: path, then: []string{fmt.Sprintf(d.Path, schema)},
			})
		}
	}
	all = append(all,
		change{what: "a change of the columns", texts: of(table), beside: []string{in(d.Alter, table)}},
		change{what: "a table that was made again", texts: of(empty), beside: []string{
			"DROP TABLE " + empty, "CREATE TABLE " + empty + " (v int)", "INSERT INTO " + empty + " (v) VALUES (7)",
		}},
	)
	if d.Temporary != "" && (path != nil || !qualified) {
		all = append(all, change{
			what: "a temporary table of the same name", texts: of(name), unseen: true,
			before: append(path, fmt.Sprintf(d.Temporary, x.name())), // the first one of a session is seen
			then:   []string{fmt.Sprintf(d.Temporary, name)},
		})
	}
	return all
}

// asks are a text without arguments and, if there is one, a text with one.
func asks(bare, with string) []ask {
	all := []ask{{text: bare}}
	if with != "" {
		all = append(all, ask{with, []any{"7"}})
	}
	return all
}

// outlive asks a session of the pool and one of the driver alone before a change and after
// it, and a third one only after it.
func (x *trial) outlive(c change, pooled, alone *sql.DB) {
	fresh := x.plain()
	fresh.SetMaxOpenConns(1)
	all := []*sql.DB{pooled, alone, fresh}
	for _, db := range all { // a session's first temporary table may clear the plans of all others
		x.executeAll(db, c.before)
	}
	for _, db := range []*sql.DB{pooled, alone} {
		for _, a := range c.texts {
			for _, way := range textRoutes {
				_, err := x.answer(db, way, a)
				x.must(a.text, err)
			}
		}
	}
	x.executeAll(x.look(), c.beside)
	for _, db := range all {
		x.executeAll(db, c.then)
	}
	for _, a := range c.texts {
		for i, way := range textRoutes {
			want, _ := x.answer(fresh, way, a)
			own, err := x.answer(alone, way, a)
			got, _ := x.answer(pooled, way, a)
			if got != want && (got != own || !c.unseen && (i > 0 || err == nil)) {
				x.errorf("%s after %s (%s)\nis on a new connection\n%s\non the driver's alone\n%s\nand on the pool's\n%s",
					strings.TrimSpace(a.text), c.what, way.name, want, own, got)
			}
		}
	}
}

// answer is all that a caller learns, and the error in it.
func (x *trial) answer(db *sql.DB, way route, a ask) (answer string, failed error) {
	r := &transcript{x: x}
	r.err("at the end", way.open(x.ctx, db, a.text, func(k asker) {
		rows, err := k.query(a.args...)
		r.rows("the query", rows, err)
		if failed = err; err == nil {
			failed = rows.Err()
		}
	}))
	return "  " + strings.Join(r.lines, "\n  "), failed
}

func (x *trial) executeAll(db *sql.DB, statements []string) {
	for _, s := range statements {
		_, err := db.ExecContext(x.ctx, s)
		x.must(s, err)
	}
}
