package pgserver

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// Statement is one row of pg_stat_statements: a query with its constants replaced by $1, $2, …
type Statement struct {
	Database string
	Query    string
	Calls    int64
	Rows     int64
	ExecTime time.Duration // total
}

// Statements returns what pg_stat_statements has counted since the server started or [Console.ResetStatements], in all
// databases. It makes the extension in the console's database first; the error says so when the server lacks it.
func (c *Console) Statements(ctx context.Context) ([]Statement, error) {
	rows, err := c.Query(ctx, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements;"+
		" SELECT coalesce(d.datname, ''), s.query, s.calls, s.rows, s.total_exec_time"+
		" FROM pg_stat_statements s LEFT JOIN pg_database d ON d.oid = s.dbid ORDER BY s.calls DESC, s.query")
	if err != nil {
		return nil, fmt.Errorf("%w (pg_stat_statements has to be installed and in shared_preload_libraries)", err)
	}
	statements := make([]Statement, len(rows))
	for i, row := range rows {
		calls, err1 := strconv.ParseInt(row[2], 10, 64)
		count, err2 := strconv.ParseInt(row[3], 10, 64)
		ms, err3 := strconv.ParseFloat(row[4], 64)
		if err1 != nil || err2 != nil || err3 != nil {
			return nil, fmt.Errorf("pgserver: pg_stat_statements returned %q", row)
		}
		statements[i] = Statement{
			Database: row[0], Query: row[1], Calls: calls, Rows: count,
			ExecTime: time.Duration(ms * float64(time.Millisecond)),
		}
	}
	return statements, nil
}

// ResetStatements sets all of pg_stat_statements back to nothing.
func (c *Console) ResetStatements(ctx context.Context) error {
	return c.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()")
}
