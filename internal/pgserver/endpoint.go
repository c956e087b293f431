//go:build unix

package pgserver

import (
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Endpoint is a way to reach a server, printable as a connection string in both forms. It names everything that a driver
// would otherwise take from PG* variables.
type Endpoint struct {
	Host           string // an address, or the folder of a Unix socket
	Port           int
	User, Password string
	Params         map[string]string // further parameters, such as sslmode
}

// TCP reaches the server on the loopback address; with [Options.TLS] it verifies the server's certificate in full.
func (s *Server) TCP() Endpoint {
	e := Endpoint{Host: "127.0.0.1", Port: s.port, User: "postgres", Password: s.Password()}
	if s.options.TLS {
		e.Params = map[string]string{"sslmode": "verify-full", "sslrootcert": s.CAFile()}
		return e
	}
	return e.With("sslmode", "disable")
}

// Socket reaches the server on its Unix socket, without TLS or password.
func (s *Server) Socket() Endpoint {
	return Endpoint{Host: s.dir, Port: s.port, User: "postgres"}.With("sslmode", "disable")
}

// DSN is s.TCP().URL(database), what a program would be configured with.
func (s *Server) DSN(database string) string { return s.TCP().URL(database) }

// With returns a copy of e with one parameter added or changed.
func (e Endpoint) With(name, value string) Endpoint {
	e.Params = maps.Clone(e.Params)
	if e.Params == nil {
		e.Params = map[string]string{}
	}
	e.Params[name] = value
	return e
}

// URL is the endpoint's connection string for a database as postgres://….
func (e Endpoint) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(e.User), Path: "/" + database}
	if e.Password != "" {
		u.User = url.UserPassword(e.User, e.Password)
	}
	query := url.Values{}
	for name, value := range e.Params {
		query.Set(name, value)
	}
	if strings.HasPrefix(e.Host, "/") {
		query.Set("host", e.Host)
		query.Set("port", strconv.Itoa(e.Port))
	} else {
		u.Host = net.JoinHostPort(e.Host, strconv.Itoa(e.Port))
	}
	// libpq, and pgx after it, do not read + as a space.
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return u.String()
}

// KeyValue is the endpoint's connection string for a database as host=… port=….
func (e Endpoint) KeyValue(database string) string {
	all := maps.Clone(e.Params)
	if all == nil {
		all = map[string]string{}
	}
	all["host"], all["port"], all["user"], all["dbname"] = e.Host, strconv.Itoa(e.Port), e.User, database
	if e.Password != "" {
		all["password"] = e.Password
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		words = append(words, name+"="+quoteWord(all[name]))
	}
	return strings.Join(words, " ")
}

// inDatabase changes the database of a connection string in either form.
func inDatabase(dsn, database string) (string, error) {
	if !strings.Contains(dsn, "://") {
		return dsn + " dbname=" + quoteWord(database), nil // the last mention of a name wins
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	u.Path, u.RawPath = "/"+database, ""
	return u.String(), nil
}

func quoteWord(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}
