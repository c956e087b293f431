// Package sqltext is the little that the pool has to know of SQL's lexical rules:
// where comments, strings and words end. They are PostgreSQL's (manual, 4.1).
package sqltext

import (
	"iter"
	"strings"
)

// CutComment splits off the comment that text begins with: what stands in it, and
// what follows. ok is false if text does not begin with a comment, or with one
// between /* and */ that does not end. Those nest, as the SQL standard has it.
func CutComment(text string) (comment, rest string, ok bool) {
	if inside, found := strings.CutPrefix(text, "--"); found {
		end := strings.IndexAny(inside, "\r\n")
		if end < 0 {
			return inside, "", true
		}
		return inside[:end], inside[end+1:], true
	}
	if !OpensBlock(text) {
		return "", text, false
	}
	for depth, i := 1, 2; i+1 < len(text); i++ {
		switch text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			if depth == 0 {
				return text[2:i], text[i+2:], true
			}
			i++
		}
	}
	return "", text, false
}

// OpensBlock reports whether text begins with a comment between /* and */.
func OpensBlock(text string) bool { return strings.HasPrefix(text, "/*") }

// Trim returns the text from its first word on, without the comments that
// generated code puts in front (sqlc, sqlcommenter).
func Trim(text string) string {
	for {
		text = strings.TrimLeft(text, " \t\r\n\f\v;")
		_, rest, ok := CutComment(text)
		switch {
		case ok:
			text = rest
		case OpensBlock(text):
			return ""
		default:
			return text
		}
	}
}

// IsWord reports whether b may continue a keyword or name.
func IsWord(b byte) bool {
	return b == '_' || b == '$' || b >= 0x80 || b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
}

// Words yields the keywords and names of text as they are written, without those
// in comments, strings and quotes.
func Words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for text = Trim(text); text != ""; text = Trim(text) {
			n := 0
			for n < len(text) && IsWord(text[n]) {
				n++
			}
			switch {
			case text[0] == '$':
				text = skipDollar(text)
			case n > 0:
				if !yield(text[:n]) {
					return
				}
				text = text[n:]
			case text[0] == '\'' || text[0] == '"':
				text = skipQuoted(text)
			default:
				text = text[1:]
			}
		}
	}
}

// Parameters returns the highest n of the parameters $n of text, without those in
// comments, strings and quoted names. exact is false where the server may see others:
// a string with a backslash in it ends by rules that depend on a setting.
func Parameters(text string) (most int, exact bool) {
	for i := 0; i < len(text); {
		rest := text[i:]
		switch b := rest[0]; {
		case b == '$' && len(rest) > 1 && isDigit(rest[1]):
			n := 0
			for i++; i < len(text) && isDigit(text[i]); i++ {
				n = min(10*n+int(text[i]-'0'), 1<<16)
			}
			most = max(most, n)
			continue
		case b == '$':
			rest = skipDollar(rest)
		case IsWord(b):
			for i++; i < len(text) && IsWord(text[i]); i++ {
			}
			continue
		case b == '\'' || b == '"':
			after := skipQuoted(rest)
			if b == '\'' && strings.Contains(rest[:len(rest)-len(after)], `\`) {
				return most, false
			}
			rest = after
		case b == '-' || b == '/':
			if _, after, ok := CutComment(rest); ok {
				rest = after
			} else {
				rest = rest[1:]
			}
		default:
			i++
			continue
		}
		i = len(text) - len(rest)
	}
	return most, true
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// skipQuoted returns what follows the string or quoted name that text begins
// with. A doubled quote is two of them in a row, which comes to the same.
func skipQuoted(text string) string {
	_, rest, _ := strings.Cut(text[1:], text[:1])
	return rest
}

// skipDollar returns what follows the parameter, or the string between two tags,
// that text begins with.
func skipDollar(text string) string {
	end := strings.IndexByte(text[1:], '$')
	if end < 0 || isDigit(text[1]) {
		return text[1:]
	}
	tag := text[:end+2]
	if strings.ContainsFunc(tag[1:len(tag)-1], func(r rune) bool { return r < 0x80 && !IsWord(byte(r)) }) {
		return text[1:]
	}
	_, rest, _ := strings.Cut(text[len(tag):], tag)
	return rest
}
