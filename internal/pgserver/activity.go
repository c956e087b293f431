package pgserver

import (
	"context"
	"strconv"
)

// Session is one client's backend in pg_stat_activity.
type Session struct {
	PID         int
	Database    string
	Application string
	State       string // active, idle, idle in transaction, …
	Wait        string // what it waits for, as type:event, empty when it does not
	Query       string // the running one, or the last
}

// Filter picks sessions by Application and Database. An empty field picks all; this package's own sessions are never among them.
type Filter struct{ Application, Database string }

func (f Filter) where() string {
	where := " WHERE backend_type = 'client backend' AND application_name <> " + quoteText(ownName)
	if f.Application != "" {
		where += " AND application_name = " + quoteText(f.Application)
	}
	if f.Database != "" {
		where += " AND datname = " + quoteText(f.Database)
	}
	return where
}

// Activity lists the clients' sessions that match every filter, oldest first.
func (c *Console) Activity(ctx context.Context, filters ...Filter) ([]Session, error) {
	where := Filter{}.where()
	for _, f := range filters {
		where += " AND pid IN (SELECT pid FROM pg_stat_activity" + f.where() + ")"
	}
	rows, err := c.Query(ctx, "SELECT pid, datname, application_name, state, wait_event_type || ':' || wait_event, query"+
		" FROM pg_stat_activity"+where+" ORDER BY backend_start, pid")
	if err != nil {
		return nil, err
	}
	sessions := make([]Session, len(rows))
	for i, row := range rows {
		pid, err := strconv.Atoi(row[0])
		if err != nil {
			return nil, err
		}
		sessions[i] = Session{
			PID: pid, Database: row[1], Application: row[2], State: row[3], Wait: row[4], Query: row[5],
		}
	}
	return sessions, nil
}

// Terminate ends the sessions that match the filter, politely for the server, fatally for them (SQLSTATE 57P01), and
// returns how many there were.
func (c *Console) Terminate(ctx context.Context, f Filter) (int, error) {
	rows, err := c.Query(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"+f.where())
	return len(rows), err
}
