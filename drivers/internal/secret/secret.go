// Package secret keeps passwords out of the errors that a bad connection string
// gives.
package secret

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// shortest is the length from which a piece of a password in a message counts
// as a leak.
const shortest = 3

// Scrub returns what err says about dsn, or, if that repeats any part of what may
// be a password, that it cannot be told. The result does not unwrap to err, which
// may hold the whole string.
//
// Cutting the password out of the message is the obvious way, and fails where it
// matters: in a string that cannot be parsed nobody knows where the password
// ends ("postgres://u:pa/ss@h" complains about the port ":pa").
func Scrub(dsn string, err error) error {
	message := reason(err)
	for _, s := range suspects(dsn) {
		if overlaps(message, s) {
			return errors.New("cannot parse the connection string; the reason is withheld, because it would show part of a password")
		}
	}
	return errors.New("cannot parse the connection string: " + message)
}

// echo matches the connection string as pgx repeats it, masked on a best effort.
var echo = regexp.MustCompile("(?s)^cannot parse `.*`: ")

// reason is err's message without the connection string that it may begin with.
func reason(err error) string {
	var bad *url.Error
	if errors.As(err, &bad) && strings.Contains(err.Error(), bad.URL) {
		err = bad.Err
	}
	return echo.ReplaceAllString(err.Error(), "")
}

// suspects are the parts of dsn that may be, or contain, a password.
func suspects(dsn string) []string {
	var found []string
	add := func(s string) {
		found = append(found, s)
		if plain, err := url.QueryUnescape(s); err == nil && plain != s {
			found = append(found, plain)
		}
	}
	if _, rest, ok := strings.Cut(dsn, "://"); ok {
		if at := strings.LastIndexByte(rest, '@'); at >= 0 {
			if _, password, ok := strings.Cut(rest[:at], ":"); ok {
				add(password)
			}
		}
		if _, query, ok := strings.Cut(rest, "?"); ok {
			for pair := range strings.SplitSeq(query, "&") {
				key, value, _ := strings.Cut(pair, "=")
				if plain, err := url.QueryUnescape(key); err == nil {
					key = plain
				}
				if strings.Contains(strings.ToLower(key), "password") {
					add(value)
				}
			}
		}
		return found
	}
	if at := strings.Index(strings.ToLower(dsn), "password"); at >= 0 {
		value := strings.TrimLeft(dsn[at+len("password"):], " =")
		add(strings.NewReplacer("'", "", `\`, "").Replace(value))
		add(value)
	}
	return found
}

// overlaps reports whether message repeats a piece of s.
func overlaps(message, s string) bool {
	if len(s) < shortest {
		return s != "" && strings.Contains(message, s)
	}
	for i := 0; i+shortest <= len(s); i++ {
		if strings.Contains(message, s[i:i+shortest]) {
			return true
		}
	}
	return false
}
