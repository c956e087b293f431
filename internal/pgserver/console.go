package pgserver

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ownName is the application_name of this package's own sessions, which its counts leave out.
const ownName = "sqlpool pgserver"

// Console asks one database questions in SQL, each on a connection of its own, so that it works across restarts. Its
// methods may be called from several goroutines.
type Console struct{ dsn string }

// NewConsole returns a console for any server, such as the one in SQLPOOL_TEST_DSN. Nothing is dialed yet.
func NewConsole(dsn string) *Console { return &Console{dsn: dsn} }

// Exec runs one or more statements.
func (c *Console) Exec(ctx context.Context, sql string) error {
	_, err := c.Query(ctx, sql)
	return err
}

// Query runs one or more statements and returns the rows of the last as text; a NULL is an empty text.
func (c *Console) Query(ctx context.Context, sql string) ([][]string, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer hangUp(conn)
	return ask(ctx, conn, sql)
}

func (c *Console) dial(ctx context.Context) (*pgconn.PgConn, error) {
	config, err := pgconn.ParseConfig(c.dsn)
	if err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	config.RuntimeParams["application_name"] = ownName
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	return conn, nil
}

func ask(ctx context.Context, conn *pgconn.PgConn, sql string) ([][]string, error) {
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	if len(results) == 0 {
		return nil, nil
	}
	last := results[len(results)-1]
	rows := make([][]string, len(last.Rows))
	for i, values := range last.Rows {
		for _, value := range values {
			rows[i] = append(rows[i], string(value))
		}
	}
	return rows, nil
}

func hangUp(conn *pgconn.PgConn) { _ = conn.Close(context.Background()) }

func quoteText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
