package byname

import (
	"strings"
	"unicode/utf8"
)

// splitKeyValue takes the pool's pairs out of a list of key=value pairs, each
// with the space behind it.
func (d dialect) splitKeyValue(dsn string) (rest string, found []param, err error) {
	var kept strings.Builder
	l := lexer{text: dsn, space: d.space}
	behind := false
	l.skip()
	kept.WriteString(dsn[:l.at])
	for l.at < len(dsn) {
		start := l.at
		name, value, ok := l.pair()
		if strings.ContainsAny(name, ":/@?") {
			return "", nil, errNeither
		}
		if !ok { // the driver says what is wrong with the rest
			kept.WriteString(dsn[start:])
			break
		}
		if err := joined(name, dsn[start:l.at]); err != nil {
			return "", nil, err
		}
		l.skip()
		if ours(name) {
			found = append(found, param{name, value, behind})
		} else {
			kept.WriteString(dsn[start:l.at])
		}
		behind = behind || isPassword(name)
	}
	if len(found) == 0 {
		return dsn, nil, nil
	}
	return kept.String(), found, nil
}

// joined refuses a setting that was put behind a pair as if behind a URL, where
// it is part of the value. In quotes, or behind a password, that may be meant.
func joined(name, pair string) error {
	unquoted, _, _ := strings.Cut(pair, "'")
	found := appended.FindStringSubmatch(unquoted)
	if found == nil || isPassword(name) {
		return nil
	}
	return misplaced(found[1], "it is joined with & to what stands before it, so that it is part of that value",
		"write a space instead of the &: in a list of key=value pairs a space stands between them")
}

// lexer reads pairs as libpq does: spaces may stand around the equal sign, a
// value may be quoted, and a backslash takes the next character as it is. It
// takes a little more than each driver, which judges what is left to it.
type lexer struct {
	text  string
	at    int
	space func(rune) bool
}

// pair reads one pair; ok is false when it cannot be read.
func (l *lexer) pair() (name, value string, ok bool) {
	start := l.at
	for r, n := l.next(); n > 0 && r != '=' && !l.space(r); r, n = l.next() {
		l.at += n
	}
	name = l.text[start:l.at]
	l.skip()
	if r, _ := l.next(); r != '=' {
		return name, "", false
	}
	l.at++
	l.skip()
	value, ok = l.value()
	return name, value, ok
}

func (l *lexer) value() (string, bool) {
	var b strings.Builder
	quoted := strings.HasPrefix(l.text[l.at:], "'")
	if quoted {
		l.at++
	}
	for {
		r, n := l.next()
		switch {
		case n == 0:
			return b.String(), !quoted
		case quoted && r == '\'':
			l.at++
			return b.String(), true
		case !quoted && l.space(r):
			return b.String(), true
		case r == '\\':
			l.at++
			_, n = l.next() // at the end it escapes nothing
		}
		b.WriteString(l.text[l.at : l.at+n])
		l.at += n
	}
}

func (l *lexer) skip() {
	for r, n := l.next(); n > 0 && l.space(r); r, n = l.next() {
		l.at += n
	}
}

// next is the character ahead and its length, which is 0 at the end.
func (l *lexer) next() (rune, int) { return utf8.DecodeRuneInString(l.text[l.at:]) }
