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
