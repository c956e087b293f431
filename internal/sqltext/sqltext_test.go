package sqltext_test

import (
	"slices"
	"testing"

	"github.com/sqlpool/go/internal/sqltext"
)

func TestCommentsAreCutOff(t *testing.T) {
	for text, want := range map[string][2]string{
		"-- name: Get\nSELECT":     {" name: Get", "SELECT"},
		"-- to the end":            {" to the end", ""},
		"/*a*/SELECT":              {"a", "SELECT"},
		"/* a /* b */ c */ SELECT": {" a /* b */ c ", " SELECT"},
		"/**/x":                    {"", "x"},
		"/*/*/**/*/*/x":            {"/*/**/*/", "x"},
	} {
		comment, rest, ok := sqltext.CutComment(text)
		if !ok || comment != want[0] || rest != want[1] {
			t.Errorf("%q: %q, %q, %t", text, comment, rest, ok)
		}
	}
	for _, text := range []string{"", "SELECT", "-", "/", "/*", "/* open", "/*/", "/* a /* b */"} {
		if comment, rest, ok := sqltext.CutComment(text); ok || comment != "" || rest != text {
			t.Errorf("%q: %q, %q, %t", text, comment, rest, ok)
		}
	}
}

func TestTrimFindsTheFirstWord(t *testing.T) {
	for text, want := range map[string]string{
		" ;\n-- a\n/* b */ COPY t": "COPY t",
		"/* never ends":            "",
		"-- only this":             "",
		"SELECT -- a":              "SELECT -- a",
		"- 1":                      "- 1",
	} {
		if got := sqltext.Trim(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestWordsAreThoseOutsideQuotes(t *testing.T) {
	for text, want := range map[string][]string{
		"SELECT a.b, 'it''s x' FROM \"y z\" WHERE c=$1 -- d":  {"SELECT", "a", "b", "FROM", "WHERE", "c", "1"},
		"/* INSERT */ WITH w AS (DELETE FROM t RETURNING id)": {"WITH", "w", "AS", "DELETE", "FROM", "t", "RETURNING", "id"},
		"SELECT $$UPDATE$$, $tag$ DELETE $$ $tag$, x":         {"SELECT", "x"},
		"SELECT $1, $2": {"SELECT", "1", "2"},
		"SELECT 'open":  {"SELECT"},
		"SELECT $x":     {"SELECT", "x"},
	} {
		if got := slices.Collect(sqltext.Words(text)); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestParametersAreThoseOutsideQuotes(t *testing.T) {
	for text, want := range map[string]int{
		"":                     0,
		"SELECT $1":            1,
		"SELECT $2, $1":        2,
		"SELECT $1, $12":       12,
		"SELECT '$2', $1":      1,
		`SELECT "$2", $1`:      1,
		"SELECT 'it''s $2'":    0,
		"SELECT a$2, $1":       1,
		"SELECT $$ $2 $$, $1":  1,
		"SELECT $a$ $2 $a$":    0,
		"SELECT $1-$2":         2,
		"SELECT $1/$2/*$3*/":   2,
		"SELECT $1 -- $2":      1,
		"SELECT $1 -- \r, $2":  2,
		"/* /* $3 */ $4 */ $1": 1,
		"SELECT $1::int>$2":    2,
		"SELECT $99999999999":  1 << 16,
		"SELECT $":             0,
		"SELECT '$1":           0,
		`SELECT "a\b", $1`:     1,
		"SELECT $é$ $2 $é$":    0,
	} {
		if got, exact := sqltext.Parameters(text); got != want || !exact {
			t.Errorf("%q: %d, %t; want %d", text, got, exact, want)
		}
	}
	for _, text := range []string{`SELECT 'a\' || $1`, `SELECT E'\'$1', $1`, `SELECT '\', '$1'`} {
		if _, exact := sqltext.Parameters(text); exact {
			t.Errorf("%q depends on standard_conforming_strings", text)
		}
	}
}

func FuzzWordsEnd(f *testing.F) {
	f.Add("SELECT '$$ /* \" -- \n")
	f.Fuzz(func(t *testing.T, text string) {
		n := 0
		for w := range sqltext.Words(text) {
			if n += len(w); w == "" || n > len(text) {
				t.Fatalf("%q: a word %q", text, w)
			}
		}
	})
}
