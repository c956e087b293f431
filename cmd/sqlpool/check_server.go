package main

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
)

// serverSettings are those that a pool can meet.
var serverSettings = []string{
	"max_connections", "superuser_reserved_connections", "reserved_connections",
	"statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout", "transaction_timeout",
	"default_transaction_read_only",
}

// shownUsers is how many rows of users are told; the rest is added up.
const shownUsers = 10

// askServer asks what a pool should know. A question that the server does not answer, for want of a right or because it
// is not quite PostgreSQL, becomes a note.
func askServer(ctx context.Context, conn *sql.Conn) *serverCheck {
	s := &serverCheck{Settings: map[string]string{}, RoleLimit: -1, DatabaseLimit: -1, Users: []client{}}
	question := func(what, query string, each func(row []sql.NullString)) {
		rows, err := ask(ctx, conn, query)
		if err != nil {
			s.Notes = append(s.Notes, fmt.Sprintf("%s: not told: %v", what, err))
		}
		for _, row := range rows {
			each(row)
		}
	}
	question("version", "SHOW server_version", func(row []sql.NullString) { s.Version = row[0].String })
	question("role", `SELECT current_user, current_database(), pg_catalog.pg_is_in_recovery()::text`, func(row []sql.NullString) {
		s.Role, s.Database, s.Standby = row[0].String, row[1].String, row[2].String == "true"
	})
	question("limits of the role", `SELECT rolsuper::text, rolconnlimit::text FROM pg_catalog.pg_roles WHERE rolname = current_user`, func(row []sql.NullString) {
		s.Superuser, s.RoleLimit = row[0].String == "true", atoi(row[1])
	})
	question("limits of the database", `SELECT datconnlimit::text FROM pg_catalog.pg_database WHERE datname = current_database()`, func(row []sql.NullString) {
		s.DatabaseLimit = atoi(row[0])
	})
	question("settings", `SELECT name, setting || coalesce(unit, '') FROM pg_catalog.pg_settings WHERE name IN (`+quotedList(serverSettings)+`)`, func(row []sql.NullString) {
		s.Settings[row[0].String] = row[1].String
	})
	s.MaxConnections, _ = strconv.Atoi(s.Settings["max_connections"])
	for _, reserve := range []string{"superuser_reserved_connections", "reserved_connections"} {
		n, _ := strconv.Atoi(s.Settings[reserve])
		s.Reserved += n
	}
	// backend_type is not shown of others without pg_read_all_stats; usesysid and datid are, and both only clients have
	// (and parallel workers, which are told by their type to those who may see it).
	question("who uses connections", `
		SELECT usename, datname, application_name, count(*)::text,
			count(*) FILTER (WHERE state = 'active')::text, count(*) FILTER (WHERE state LIKE 'idle in transaction%')::text,
			count(*) FILTER (WHERE state IS NULL)::text
		FROM pg_catalog.pg_stat_activity
		WHERE datid IS NOT NULL AND usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
		GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 1, 2, 3`, func(row []sql.NullString) {
		u := client{
			Role: row[0].String, Database: row[1].String, Application: row[2].String,
			Connections: atoi(row[3]), Active: atoi(row[4]), InIdleTx: atoi(row[5]), StateUnknown: atoi(row[6]),
		}
		s.Used += u.Connections
		if len(s.Users) < shownUsers {
			s.Users = append(s.Users, u)
			return
		}
		rest := &s.Users[shownUsers-1]
		if rest.Role != "(others)" {
			*rest = client{
				Role: "(others)", Connections: rest.Connections, Active: rest.Active, InIdleTx: rest.InIdleTx, StateUnknown: rest.StateUnknown,
			}
		}
		rest.Connections += u.Connections
		rest.Active += u.Active
		rest.InIdleTx += u.InIdleTx
		rest.StateUnknown += u.StateUnknown
	})
	return s
}

func atoi(text sql.NullString) int {
	n, _ := strconv.Atoi(text.String) // what is not told counts as nothing
	return n
}

func quotedList(names []string) (list string) {
	for i, name := range names {
		if i > 0 {
			list += ", "
		}
		list += "'" + name + "'"
	}
	return list
}
