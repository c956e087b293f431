// Package secret keeps passwords out of the errors that a bad connection string
// gives.
package secret

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// shortest is the length from which a piece of a password in a message counts
// as a leak.
const shortest = 3

// Scrub returns what err says about dsn, or, if that repeats any part of what may
// be a password, that it cannot be told, and at which parameter if it can. The
// result does not unwrap to err, which may hold the whole string.
//
// Cutting the password out of the message is the obvious way, and fails where it
// matters: in a string that cannot be parsed the end of the password is not
// known ("postgres://u:pa/ss@h" complains about the port ":pa").
func Scrub(dsn string, err error) error {
	message := reason(err)
	for _, s := range suspects(dsn) {
		if overlaps(message, s) {
			return errors.New("cannot parse the connection string" + place(message) + "; the reason is withheld, because it would show part of a password")
		}
	}
	return errors.New("cannot parse the connection string: " + message)
}

// opening is how the drivers' messages about a parameter begin, as far as its
// name, which is from their own code and not from the string.
var opening = regexp.MustCompile(`^(?:pq: wrong value for "|pq: unsupported |invalid |cannot parse |unknown |failed to configure TLS \(|failed to read )([a-z_]+)\b`)

// parameters are those that a driver refuses a value of. Only a name that is
// here is told: what is behind the opening is theirs today.
var parameters = []string{
	"binary_parameters", "channel_binding", "client_encoding", "connect_timeout", "datestyle", "default_query_exec_mode",
	"description_cache_capacity", "disable_prepared_binary_result", "gssencmode", "hostaddr", "load_balance_hosts", "max_protocol_version",
	"min_protocol_version", "port", "require_auth", "service", "ssl_max_protocol_version", "ssl_min_protocol_version", "sslinline", "sslmode",
	"sslnegotiation", "sslsni", "statement_cache_capacity", "target_session_attrs",
}

// place names the parameter whose value was refused, where a message begins with
// it: one word of a fixed list, which shows no value.
func place(message string) string {
	if found := opening.FindStringSubmatch(message); found != nil && slices.Contains(parameters, found[1]) {
		return ", at " + found[1]
	}
	return ""
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
		} else if _, password, ok := strings.Cut(rest, ":"); ok {
			// Without the host, "postgres://u:password/db", it goes for a port.
			password, _, _ = strings.Cut(password, "?")
			add(password)
		}
		if _, query, ok := strings.Cut(rest, "?"); ok {
			for pair := range strings.SplitSeq(query, "&") {
				key, value, _ := strings.Cut(pair, "=")
				if plain, err := url.QueryUnescape(key); err == nil {
					key = plain
				}
				if isPassword(key) || strings.Contains(value, "PRIVATE") {
					add(value)
				}
			}
		}
		return append(found, strays(dsn)...)
	}
	if _, value, ok := cutPassword(dsn); ok {
		value = strings.TrimLeft(value, " =")
		add(strings.NewReplacer("'", "", `\`, "").Replace(value))
		add(value)
	}
	for value := range strings.SplitSeq(dsn, "'") { // of sslkey: a key in PEM has no quote in it
		if strings.Contains(value, "PRIVATE") {
			add(value)
		}
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
