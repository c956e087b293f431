package stmts

import "testing"

func TestIsCopy(t *testing.T) {
	for text, want := range map[string]bool{
		"":                              false,
		"COPY":                          true,
		"COPY t FROM STDIN":             true,
		" ;\n\tcopy\tt (a) from stdin":  true,
		"copy(SELECT 1) TO STDOUT":      true,
		`COPY"t" FROM STDIN`:            true,
		"copying":                       false,
		"copy_of_t":                     false,
		"SELECT 1":                      false,
		"-- name: x :one\nSELECT 1":     false,
		"-- COPY t":                     false,
		"-- a\n-- b\nCOPY t FROM STDIN": true,
		"/* app=x */ SELECT 1":          false,
		"/* a /* b */ c */COPY t":       true,
		"/* a /* b */ COPY t":           false,
		"/* COPY":                       false,
		"/":                             false,
	} {
		if got := IsCopy(text); got != want {
			t.Errorf("IsCopy(%q) = %v", text, got)
		}
	}
}
