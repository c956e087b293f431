package byname

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/sqlpool/go/drivers/internal/onehost"
	"github.com/sqlpool/go/drivers/internal/secret"
	"github.com/sqlpool/go/drivers/internal/stray"
)

// prefix marks a parameter as the pool's. No parameter of PostgreSQL, pgx or
// lib/pq begins like this, but for custom ones of the server, which have a dot.
const prefix = "pool_"

// param is one parameter of a connection string, decoded.
type param struct {
	name, value string
	behind      bool // a password stands before it, of which it may be a part
}

func isPassword(name string) bool { return strings.Contains(strings.ToLower(name), "password") }

func ours(name string) bool {
	return stray.Ours(name) || bare(name) != nil
}

// bare finds the setting whose name was written without the prefix. The server
// would refuse every connection for it, with "unrecognized configuration
// parameter". connect_timeout is the drivers' own and statement_timeout the server's;
// no other is theirs.
func bare(name string) *setting {
	name = strings.ToLower(name)
	if name == "connect_timeout" || name == "statement_timeout" {
		return nil
	}
	return byName(prefix + name)
}

// A dialect is how a driver reads a connection string, as far as it matters for
// finding parameters in it. pgx follows libpq; lib/pq follows net/url and has
// its own ideas of a space.
type dialect struct {
	// query returns where the parameters of a URL begin, just behind the
	// question mark, and end; from is 0 when there are none.
	query func(url string) (from, to int)

	// unescape decodes one half of a parameter of a URL; ok is false when the
	// driver would not take it.
	unescape func(raw string) (text string, ok bool)

	// space is what stands between key=value pairs, and pair one of these.
	space, pair *regexp.Regexp

	// firstAt says that the first @ of a URL ends the password, not the last one.
	firstAt bool
}

var (
	pgxDialect = spaced(`\s\v`, dialect{query: onehost.LibpqQuery, unescape: libpqUnescape, firstAt: true})
	pqDialect  = spaced(`\s\v\x{85}\pZ`, dialect{query: netQuery, unescape: netUnescape}) // unicode.IsSpace
)

// spaced is a dialect with a class of characters that it takes for a space.
func spaced(class string, d dialect) dialect {
	d.space, d.pair = regexp.MustCompile("^["+class+"]*"), pairOf(class)
	return d
}

// split takes the pool's parameters out of a connection string. What is left is
// the original text around them, byte for byte; what cannot be taken apart is
// left as it is, for the driver to refuse.
func (d dialect) split(dsn string) (rest string, found []param, err error) {
	if err := secret.Torn(dsn, d.firstAt); err != nil {
		return "", nil, fmt.Errorf("drivers: %w", err)
	}
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return d.splitURL(dsn)
	}
	return d.splitKeyValue(dsn)
}

// appended finds the first setting that was put behind an ampersand, as in
// dsn+"&pool_max_conns=20".
var appended = regexp.MustCompile(`(?i)&(pool_[a-z_]+)=`)

// misplaced is the error for a setting that goes for part of something else. Its
// name is shown if it is one, its value never: a string that is written wrongly
// may have a password there.
func misplaced(name, rule, remedy string) *SettingError {
	return &SettingError{Name: stray.Shown(name), Value: notShown, Rule: rule, Remedy: remedy}
}

// errNeither is about a text such as "POSTGRES://u:pw@h/db?sslmode=disable" or
// "jdbc:postgresql://…": the drivers take all before the first equal sign for the
// name of a server parameter, and the server then puts it into its log.
var errNeither = errors.New("drivers: the connection string is neither a URL that begins with postgres:// or postgresql:// " +
	"(in small letters) nor a list of key=value pairs (where values with spaces stand in single quotes); " +
	"it is not shown because it may hold a password")
