package secret

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// errTorn is for a URL whose password has a character that ends it. The string can
// often be read all the same: "postgres://u:12/3@h/db" is host u, port 12 and the
// database "3@h/db", and parts of the password would be in the errors of every
// connect, and in the log of the server.
var errTorn = errors.New("the URL has an @ behind the first / ? or #, or two of them before it, so that a part of the password goes for something else: " +
	"in a URL write the password's @ as %40, / as %2F, ? as %3F, # as %23, & as %26 and % as %25 (an @ in a database's name or a parameter is %40 too), " +
	"or keep the password in PGPASSWORD or a passfile")

// Torn returns an error if dsn is a URL of which a part of the password goes for
// something else. firstAt says that the driver lets the first @ end the password, as
// pgx and libpq do; to lib/pq it is the last one before the path.
func Torn(dsn string, firstAt bool) error {
	_, rest, ok := strings.Cut(dsn, "://")
	if !ok || !isURL(dsn) {
		return nil
	}
	end := strings.IndexAny(rest, "/?#")
	if i := strings.IndexAny(rest, "@/"); firstAt && i >= 0 && rest[i] == '@' {
		end = i + 1
		if n := strings.IndexAny(rest[end:], "/?"); n >= 0 {
			end += n
		} else {
			end = len(rest)
		}
		if strings.Contains(rest[i+1:end], "@") {
			return errTorn
		}
	}
	if end < 0 {
		return nil
	}
	authority := rest[:end]
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[:at]
	}
	if !strings.Contains(authority, ":") {
		return nil // there is no password in front of the hosts
	}
	path, query, _ := strings.Cut(rest[end:], "?")
	if strings.Contains(path, "@") {
		return errTorn
	}
	if _, fragment, ok := strings.Cut(query, "#"); ok && strings.Contains(fragment, "@") {
		return errTorn
	}
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if strings.Contains(pair, "@") && !known(decoded(name)) {
			return errTorn
		}
	}
	return nil
}

func isURL(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// known reports whether a parameter's name is one that cannot well be a part of a
// password: the drivers' own, those that programs set, and custom ones.
func known(name string) bool {
	return custom.MatchString(name) || slices.Contains(parameters, strings.ToLower(name)) || slices.Contains(common, strings.ToLower(name))
}

// custom matches a custom parameter of the server, as it must be written (PostgreSQL
// manual, "Customized Options").
var custom = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)+$`)

// common are parameters that no driver refuses a value of, and those of the server
// that programs set in a connection string.
var common = []string{
	"application_name", "dbname", "database", "default_transaction_isolation", "default_transaction_read_only", "fallback_application_name",
	"geqo", "host", "idle_in_transaction_session_timeout", "idle_session_timeout", "jit", "keepalives", "keepalives_count", "keepalives_idle",
	"keepalives_interval", "krbspn", "krbsrvname", "lock_timeout", "options", "passfile", "password", "plan_cache_mode", "role", "search_path", "servicefile",
	"sslcert", "sslcertmode", "sslkey", "sslpassword", "sslrootcert", "statement_timeout", "synchronous_commit", "tcp_user_timeout", "timezone",
	"transaction_timeout", "tz", "user", "work_mem",
}

// strays are the names and values behind a password that may be parts of it, as
// "horse" in "?password=correct&horse=staple": those of parameters that are not known.
func strays(dsn string) (found []string) {
	add := func(name, value string) {
		if !known(name) {
			found = append(found, name, value)
		}
	}
	if _, query, ok := strings.Cut(dsn, "?"); ok && isURL(dsn) {
		behind := false
		for pair := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			if behind {
				add(name, value)
				add(decoded(name), decoded(value))
			}
			behind = behind || isPassword(decoded(name))
		}
		return found
	}
	if _, tail, ok := cutPassword(dsn); ok && !isURL(dsn) {
		for word := range strings.FieldsSeq(tail) {
			name, value, _ := strings.Cut(word, "=")
			add(strings.Trim(name, `'\`), strings.Trim(value, `'\`))
		}
	}
	return found
}

func isPassword(name string) bool { return strings.Contains(strings.ToLower(name), "password") }

// cutPassword cuts a list of pairs behind its first password's name.
func cutPassword(dsn string) (before, after string, ok bool) {
	at := strings.Index(strings.ToLower(dsn), "password")
	if at < 0 {
		return dsn, "", false
	}
	return dsn[:at], dsn[at+len("password"):], true
}

func decoded(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// Shows reports whether a message of the server's repeats what may be a part of the
// password of dsn: it knows only what it was sent, and of that only the parameters.
func Shows(dsn, message string) bool {
	return slices.ContainsFunc(strays(dsn), func(s string) bool {
		return len(s) >= shortest && strings.Contains(message, s) || s != "" && strings.Contains(message, `"`+s+`"`)
	})
}

// Withheld stands where such a message was.
const Withheld = "(the server's message is not shown, because it names a parameter that may be a part of the password: in a URL write the " +
	"password's & as %26, in key=value form put the password in single quotes)"

// ShowsKey reports whether a message has a private key in it: one that stands in the
// connection string goes for the name of a file without sslinline.
func ShowsKey(message string) bool { return strings.Contains(message, "PRIVATE KEY-----") }

// WithheldKey stands where such a message was.
const WithheldKey = "sslkey cannot be read (the reason is not shown, because it repeats the key): " +
	"beside a key that stands in the connection string write sslinline=true, which lib/pq knows, or name its file"
