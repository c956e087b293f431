package byname

import (
	"regexp"
	"strings"
)

// splitKeyValue takes the pool's pairs out of a list of key=value pairs, each
// with the space behind it.
func (d dialect) splitKeyValue(dsn string) (rest string, found []param, err error) {
	kept := d.space.FindString(dsn)
	behind := false
	for left := dsn[len(kept):]; left != ""; {
		name, value, pair := d.cutPair(left)
		if strings.ContainsAny(name, ":/@?") {
			return "", nil, errNeither
		}
		if pair == "" { // the driver says what is wrong with the rest
			kept += left
			break
		}
		if err := joined(name, pair); err != nil {
			return "", nil, err
		}
		pair += d.space.FindString(left[len(pair):])
		left = left[len(pair):]
		if ours(name) {
			found = append(found, param{name, value, behind})
		} else {
			kept += pair
		}
		behind = behind || isPassword(name)
	}
	if len(found) == 0 {
		return dsn, nil, nil
	}
	return kept, found, nil
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

// cutPair reads the pair that text begins with; pair is "" when it cannot be read.
func (d dialect) cutPair(text string) (name, value, pair string) {
	found := d.pair.FindStringSubmatch(text)
	name, quoted, plain := found[1], found[2], found[3]
	if len(found[0]) == len(name) || strings.HasPrefix(plain, "'") { // no equal sign, or a quote that does not end
		return name, "", ""
	}
	return name, escaped.ReplaceAllString(quoted+plain, "$1"), found[0]
}

// pairOf matches a pair as libpq reads it, for a class of spaces: they may stand
// around the equal sign, a value may be quoted, and a backslash takes the next
// character as it is. It takes a little more than each driver, which judges what is
// left to it.
func pairOf(spaces string) *regexp.Regexp {
	const text = `(?:\\.|[^\\%])*`
	return regexp.MustCompile(strings.ReplaceAll(
		`(?s)^([^=%]*)(?:[%]*=[%]*(?:'(`+strings.ReplaceAll(text, "%", "'")+`)'|(`+text+`\\?)))?`, "%", spaces))
}

// escaped is a backslash and what it escapes, which at the end is nothing.
var escaped = regexp.MustCompile(`(?s)\\(.?)`)
