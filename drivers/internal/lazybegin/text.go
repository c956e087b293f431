package lazybegin

import (
	"slices"
	"strings"

	"github.com/sqlpool/go/internal/sqltext"
)

// ends returns the command tag of a text that does nothing but end a transaction, or
// nothing for every other text.
func ends(text string) (tag string) {
	if len(text) > longestEnd {
		return ""
	}
	words := strings.Fields(strings.TrimRight(text, "; \t\r\n"))
	if len(words) == 0 || len(words) > 2 || len(words) == 2 && !isOneOf(words[1], "WORK", "TRANSACTION") {
		return ""
	}
	switch {
	case isOneOf(words[0], "COMMIT", "END"):
		return "COMMIT"
	case isOneOf(words[0], "ROLLBACK", "ABORT"):
		return "ROLLBACK"
	}
	return ""
}

// longestEnd is more than the longest text that ends needs to look at has.
const longestEnd = 64

// extended reports whether a simple query means the same in the extended protocol: it
// is one statement, which has no parameters, copies nothing and does not depend on
// the form of a portal's results. When in doubt it is false, which costs a round trip.
//
// rows says that its rows are read. A table may have a rule that adds a SELECT to what
// writes: a simple query returns those rows, and the extended protocol drops them.
func extended(text string, rows bool) bool {
	first := sqltext.Trim(text)
	end := 0
	for end < len(first) && sqltext.IsWord(first[end]) {
		end++
	}
	switch word := first[:end]; {
	case isOneOf(word, "SELECT", "VALUES", "SET", "SAVEPOINT", "LOCK"):
	case isOneOf(word, writing...):
		if rows {
			return false
		}
	case isOneOf(word, "WITH"):
		if rows && contains(text, writing) {
			return false
		}
	default:
		return false
	}
	return single(text)
}

// writing are the words of what changes rows.
var writing = []string{"INSERT", "UPDATE", "DELETE", "MERGE"}

func contains(text string, words []string) bool {
	text = strings.ToUpper(text)
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}

// single reports whether text has nothing but blanks behind its first semicolon, and no dollar
// sign, those in strings, quoted names and comments apart.
func single(text string) bool {
	if !strings.ContainsAny(text, ";$") {
		return true
	}
	if strings.Contains(text, `\`) { // where a string with one in it ends depends on a setting
		return false
	}
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '$':
			return false
		case ';':
			return strings.TrimLeft(text[i:], "; \t\r\n") == ""
		case '\'', '"':
			n := strings.IndexByte(text[i+1:], text[i])
			if n < 0 {
				return false
			}
			i += n + 1
		case '-', '/':
			if _, rest, ok := sqltext.CutComment(text[i:]); ok {
				i = len(text) - len(rest) - 1
			} else if sqltext.OpensBlock(text[i:]) {
				return false
			}
		}
	}
	return true
}

func isOneOf(word string, words ...string) bool {
	for _, w := range words {
		if strings.EqualFold(word, w) {
			return true
		}
	}
	return false
}
