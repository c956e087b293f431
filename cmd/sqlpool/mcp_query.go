package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// reader runs the query tool.
type reader struct {
	*opened
	timeout    time.Duration
	maxRows    int
	privileged bool
	log        *slog.Logger
}

// question is the query tool's input.
type question struct {
	SQL     string `json:"sql" jsonschema:"one SELECT, VALUES, TABLE or WITH statement; with explain also a statement that writes, which is not executed"`
	Limit   int    `json:"limit,omitempty" jsonschema:"how many rows at most; without it, and above the server's own limit, that limit holds"`
	Explain bool   `json:"explain,omitempty" jsonschema:"return the plan and do not execute"`
}

// answer is its output: rows, or what went wrong and how the pool is.
type answer struct {
	Columns   []column        `json:"columns,omitempty"`
	Rows      [][]any         `json:"rows,omitempty"`
	RowCount  int             `json:"row_count"`
	Truncated string          `json:"truncated,omitempty" jsonschema:"why there may be more than this"`
	TookMS    float64         `json:"took_ms"`
	Error     *failure        `json:"error,omitempty"`
	Pool      *poolStatistics `json:"pool,omitempty" jsonschema:"the pool's statistics, with an error of the database"`
}

// cursor is the query's name on the server. Only what can stand behind it, a query, can be executed: neither SET nor
// COMMIT, COPY, DO, CALL or LOCK, and no WITH that writes.
const (
	cursor  = "sqlpool_mcp"
	declare = "DECLARE " + cursor + " NO SCROLL CURSOR FOR\n"
	explain = "EXPLAIN (ANALYZE false)\n"
	grace   = 250 * time.Millisecond // the server ends a query before the context would cost the connection
)

// call runs the tool.
func (r *reader) call(ctx context.Context, _ *sdk.CallToolRequest, q question) (*sdk.CallToolResult, answer, error) {
	began := time.Now()
	if q.Limit <= 0 || q.Limit > r.maxRows {
		q.Limit = r.maxRows
	}
	found, err := r.read(ctx, q)
	if found == nil {
		found = &answer{}
	}
	found.TookMS = milliseconds(time.Since(began))
	if err == nil {
		return nil, *found, nil
	}
	found = &answer{TookMS: found.TookMS, Error: describe(err)}
	if found.Error.Code == codeDatabase {
		v, _ := r.look(ctx, 0) // of our own pool: there is no error
		statistics := statisticsFrom(v)
		found.Pool = &statistics
	}
	r.log.Warn("query failed", "code", found.Error.Code, "kind", found.Error.Kind, "error", found.Error.Message)
	return &sdk.CallToolResult{IsError: true}, *found, nil
}

// read asks in a transaction of its own, which never commits.
func (r *reader) read(ctx context.Context, q question) (found *answer, err error) {
	if strings.TrimSpace(q.SQL) == "" {
		return nil, &failure{Code: codeArgument, Message: "sql is empty"}
	}
	// In the protocol NUL ends the text: what stood behind it would be read as the rest of the message.
	if strings.ContainsRune(q.SQL, 0) {
		return nil, &failure{Code: codeArgument, Message: "sql holds a NUL character"}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.timeout+grace, fmt.Errorf("the query took longer than %v", r.timeout))
	defer cancel()
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // with a connection that is lost there is nothing to roll back
	if err := r.guard(ctx, tx); err != nil {
		return nil, err
	}
	if q.Explain {
		return r.fetch(ctx, tx, explain, q)
	}
	// Prepared, so that the server parses the whole text as one statement: it refuses "SELECT 1; COMMIT; DROP TABLE t".
	opening, err := tx.PrepareContext(ctx, declare+q.SQL)
	if err != nil {
		return nil, shift(err, declare)
	}
	defer func() { _ = opening.Close() }()
	if _, err := opening.ExecContext(ctx); err != nil {
		return nil, shift(err, declare)
	}
	return r.fetch(ctx, tx, "", question{SQL: fmt.Sprintf("FETCH FORWARD %d FROM %s", q.Limit+1, cursor), Limit: q.Limit})
}

// guard sets the time limit and proves that the transaction is read-only. It is a query, so it also takes the
// transaction's first snapshot: from then on the server refuses SET TRANSACTION READ WRITE and its like, wherever it is
// called (PostgreSQL manual, SET TRANSACTION).
func (r *reader) guard(ctx context.Context, tx *sql.Tx) error {
	var timeout, readOnly, role string
	var powers sql.NullString
	err := tx.QueryRowContext(ctx, `
		SELECT pg_catalog.set_config('statement_timeout', $1, true),
			pg_catalog.current_setting('transaction_read_only'), session_user::text,
			(SELECT pg_catalog.string_agg(CASE WHEN rolsuper THEN 'superuser' WHEN rolreplication THEN 'replication' ELSE rolname END
					|| CASE WHEN rolname = session_user OR NOT (rolsuper OR rolreplication) THEN '' ELSE ' (as ' || rolname || ')' END, ', ')
				FROM pg_catalog.pg_roles
				WHERE (rolsuper OR rolreplication OR rolname IN ('pg_execute_server_program', 'pg_write_server_files',
						'pg_read_server_files', 'pg_signal_backend', 'pg_signal_autovacuum_worker'))
					AND CASE WHEN (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user)
						THEN rolname = session_user ELSE pg_catalog.pg_has_role(session_user, oid, 'MEMBER') END)`,
		fmt.Sprint(r.timeout.Milliseconds())).Scan(&timeout, &readOnly, &role, &powers)
	switch {
	case err != nil:
		return err
	case readOnly != "on":
		return &failure{Code: codeDatabase, Kind: "not_read_only", Message: "the server did not make the transaction read-only"}
	case powers.String != "" && !r.privileged:
		return &failure{
			Code: codePrivileged, Message: fmt.Sprintf("the role %q can do more than read: %s; no transaction takes that from it", role, powers.String),
			Hint: "log in with a role that may only SELECT, or start sqlpool mcp with --privileged",
		}
	}
	return nil
}
