package byname

import (
	"net/url"
	"strings"
)

// splitURL works on the text: net/url cannot parse several hosts with ports, and
// what it writes is not what it read.
func (d dialect) splitURL(dsn string) (rest string, found []param, err error) {
	from, to := d.query(dsn)
	if from == 0 {
		return dsn, nil, unasked(dsn)
	}
	var kept []string
	behind := false
	for pair := range strings.SplitSeq(dsn[from:to], "&") {
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, ok := d.unescape(rawName)
		if !ok || !ours(name) {
			kept = append(kept, pair)
			behind = behind || ok && isPassword(name)
			continue
		}
		value, ok := d.unescape(rawValue)
		if !ok {
			value = rawValue // no setting's value has a per cent sign or a space: it will be refused
		}
		found = append(found, param{name, value, behind})
	}
	if len(found) == 0 {
		return dsn, nil, nil
	}
	if query := strings.Join(kept, "&"); query != "" {
		return dsn[:from] + query + dsn[to:], found, nil
	}
	return dsn[:from-1] + dsn[to:], found, nil
}

// unasked refuses a setting in a URL that has no parameters. The server would be
// asked for a database "shop&pool_max_conns=20", and sslmode, which may stand
// behind it, would be lost. What stands before an @ may be a password.
func unasked(dsn string) error {
	if found := appended.FindStringSubmatch(dsn[strings.LastIndexByte(dsn, '@')+1:]); found != nil {
		return misplaced(found[1], "the URL has no ? before it, so that it is part of the database's name",
			"write ? instead of the first &: parameters begin with a question mark, and & stands between them")
	}
	return nil
}

// libpqUnescape trims spaces, refuses them inside, and leaves + alone.
func libpqUnescape(raw string) (string, bool) {
	text, err := url.PathUnescape(strings.Trim(raw, " "))
	return text, err == nil && !strings.Contains(strings.Trim(raw, " "), " ") && !strings.Contains(text, "\x00")
}

// netQuery finds the query as net/url does for lib/pq: from the first question
// mark to the first #, which begins a fragment.
func netQuery(dsn string) (from, to int) {
	to = strings.IndexByte(dsn, '#')
	if to < 0 {
		to = len(dsn)
	}
	return strings.IndexByte(dsn[:to], '?') + 1, to
}

func netUnescape(raw string) (string, bool) {
	text, err := url.QueryUnescape(raw)
	return text, err == nil
}
