package stmts

import (
	"strings"

	"github.com/sqlpool/go/internal/sqltext"
)

// IsCopy reports whether a text is a COPY, which may not be prepared once and
// used again: lib/pq's statement for it is the copy itself.
func IsCopy(text string) bool {
	text = sqltext.Trim(text)
	return len(text) >= 4 && strings.EqualFold(text[:4], "COPY") && (len(text) == 4 || !sqltext.IsWord(text[4]))
}
