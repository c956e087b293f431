package sqlpool

import "strings"

// isCopy reports whether a text is a COPY, which may not be prepared once and
// used again: lib/pq's statement for it is the copy itself. Generated code puts
// comments before its statements (sqlc, sqlcommenter), so they are skipped.
func isCopy(text string) bool {
	text = skipComments(text)
	return len(text) >= 4 && strings.EqualFold(text[:4], "COPY") && (len(text) == 4 || !isWord(text[4]))
}

// isWord reports whether b may continue a keyword or name in SQL.
func isWord(b byte) bool {
	return b == '_' || b == '$' || b >= 0x80 || b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
}

// skipComments returns the text from its first word on. Comments between /* and
// */ nest, as the SQL standard has it.
func skipComments(text string) string {
	for {
		text = strings.TrimLeft(text, " \t\r\n\f\v;")
		switch {
		case strings.HasPrefix(text, "--"):
			_, text, _ = strings.Cut(text, "\n")
		case strings.HasPrefix(text, "/*"):
			text = skipBlock(text)
		default:
			return text
		}
	}
}

// skipBlock returns what follows the block comment that text begins with.
func skipBlock(text string) string {
	for depth, i := 0, 0; i+1 < len(text); {
		switch text[i : i+2] {
		case "/*":
			depth++
			i += 2
		case "*/":
			depth--
			i += 2
			if depth == 0 {
				return text[i:]
			}
		default:
			i++
		}
	}
	return ""
}
