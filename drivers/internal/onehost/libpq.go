package onehost

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Libpq returns a connection string that leads to h, for a driver that reads it as libpq does: what stands last counts, and
// parameters of a URL count more than its hosts. The server may be of any kind, whatever target_session_attrs asked for.
func Libpq(dsn string, h Host) string {
	port := strconv.Itoa(int(h.Port))
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		between := "?"
		if from, _ := LibpqQuery(dsn); from > 0 {
			between = "&"
			if from == len(dsn) || strings.HasSuffix(dsn, "&") {
				between = ""
			}
		}
		return dsn + between + "host=" + strings.ReplaceAll(url.QueryEscape(h.Name), "+", "%20") + "&port=" + port + "&target_session_attrs=any"
	}
	if backslashes := len(dsn) - len(strings.TrimRight(dsn, `\`)); backslashes%2 == 1 {
		dsn = dsn[:len(dsn)-1] // at the end it escapes nothing, but would escape the space
	}
	return dsn + " host='" + h.Name + "' port=" + port + " target_session_attrs=any"
}

// LibpqQuery finds the parameters of a URL as libpq and pgx do: a @ before the first slash ends the user, whatever stands
// before it, and brackets hold an address. It returns where they begin, just behind the question mark, and end; from is 0
// when there are none.
func LibpqQuery(dsn string) (from, to int) {
	at := strings.Index(dsn, "://") + len("://")
	if i := strings.IndexAny(dsn[at:], "@/"); i >= 0 && dsn[at+i] == '@' {
		at += i + 1
	}
	if before := libpqHosts.FindString(dsn[at:]); before != "" {
		return at + len(before), len(dsn)
	}
	return 0, 0
}

// libpqHosts matches hosts, a database's name and the question mark.
var libpqHosts = regexp.MustCompile(strings.ReplaceAll(`^(?:%,)*%(?:/[^?]*)?\?`, "%", `(?:(?:\[[^\]]*\]|[^\[,/?])[^,/?]*)?`))
