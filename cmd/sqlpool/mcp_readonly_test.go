package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
)

// attacks are attempts to write, or to leave something behind, through the query tool, and a part of what the server
// says. The role has the right to do most of it: only the transaction is in the way.
var attacks = []struct{ sql, want string }{
	{"DELETE FROM orders", "syntax error"},
	{"SET TRANSACTION READ WRITE", "syntax error"},
	{"COMMIT", "syntax error"},
	{"COMMIT; DELETE FROM orders", "syntax error"},
	{"; DELETE FROM orders", "syntax error"},
	{"SELECT 1; COMMIT; DELETE FROM orders", "multiple commands"},
	{"SELECT 1; DELETE FROM orders", "multiple commands"},
	{"SELECT 1 /* ; */ ; /* */ DELETE FROM orders -- ;", "multiple commands"},
	{"SELECT 1\x00; DELETE FROM orders", "NUL"},
	{"SELECT $1", "expected 1 arguments"},
	{"WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone", "must not contain data-modifying statements"},
	{"SELECT * INTO stolen FROM orders", "INTO"},
	{"SELECT * FROM orders FOR UPDATE", "cannot execute SELECT FOR UPDATE in a read-only transaction"},
	{"SELECT nextval('numbers')", "cannot execute nextval() in a read-only transaction"},
	{"SELECT setval('numbers', 100)", "cannot execute setval() in a read-only transaction"},
	{"SELECT set_config('transaction_read_only', 'off', true)", "transaction read-write mode must be set before any query"},
	{"SELECT empty_orders()", "cannot execute DELETE in a read-only transaction"},
	{"SELECT sneak('SET TRANSACTION READ WRITE')", "must be set before any query"},
	{"SELECT sneak('SET LOCAL transaction_read_only = off')", "must be set before any query"},
	{"SELECT sneak('SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE')", "cannot execute DELETE in a read-only transaction"},
	{"SELECT sneak('SET default_transaction_read_only = off')", "cannot execute DELETE in a read-only transaction"},
	{"SELECT sneak('COMMIT')", ""}, // not within a function
	{"SELECT sneak('RESET ALL')", "cannot execute DELETE in a read-only transaction"},
	{"SELECT sneak_later()", "cannot execute DELETE in a read-only transaction"},
	{"CALL empty_in_its_own_transaction()", "syntax error"},
	{"DO $$ BEGIN COMMIT; DELETE FROM orders; END $$", "syntax error"},
	{"COPY orders TO PROGRAM 'touch MARK'", "syntax error"},
	{"COPY orders TO 'MARK'", "syntax error"},
	{"COPY orders TO STDOUT", "syntax error"},
	{"COPY orders FROM STDIN", "syntax error"},
	{"CREATE TABLE more AS SELECT 1", "syntax error"},
	{"EXPLAIN ANALYZE DELETE FROM orders", "syntax error"},
	{"PREPARE p AS DELETE FROM orders", "syntax error"},
	{"LOCK TABLE orders IN ACCESS EXCLUSIVE MODE", "syntax error"},
	{"SELECT set_config('role', 'postgres', false)", "permission denied"},
	{"SELECT set_config('session_authorization', 'postgres', false)", "permission denied"},
	{"SELECT lo_from_bytea(424242, 'left')", ""}, // rolled back where it is not refused
	{"SELECT pg_advisory_lock(7)", ""},           // released with the connection
	{"SELECT set_config('search_path', 'pg_temp', false), set_config('application_name', 'mine', false)", ""},
	{"SELECT pg_notify('channel', 'left')", ""}, // rolled back
	{"SELECT query_to_xml('DELETE FROM orders', true, true, '')", "DELETE is not allowed"},
}

// sneakers are functions of the role's own that try what a SELECT cannot say.
const sneakers = `
	CREATE FUNCTION empty_orders() RETURNS void LANGUAGE sql AS 'DELETE FROM orders';
	CREATE FUNCTION sneak(text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN EXECUTE $1; DELETE FROM orders; END $$;
	CREATE FUNCTION sneak_later() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
		BEGIN
			SET TRANSACTION READ WRITE;
		EXCEPTION WHEN OTHERS THEN
			PERFORM set_config('transaction_read_only', 'on', true);
		END;
		DELETE FROM orders;
	END $$;
	CREATE PROCEDURE empty_in_its_own_transaction() LANGUAGE plpgsql AS $$ BEGIN COMMIT; DELETE FROM orders; COMMIT; END $$;`

// state is what the attacks must not change.
const state = `
	SELECT count(*)::text, sum(paid)::text, (SELECT is_called::text FROM numbers), (SELECT last_value::text FROM numbers),
		(SELECT count(*)::text FROM pg_class WHERE relkind IN ('r', 'S', 'v')), (SELECT count(*)::text FROM pg_largeobject_metadata)
	FROM orders`

func TestTheQueryToolWritesNothing(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	database := server.NewDatabase(t)
	dsn := readerRole(t, server, database)
	if err := server.In(database).Exec(t.Context(), sneakers); err != nil {
		t.Fatal(err)
	}
	// Its owner is a role that may write, so that SECURITY DEFINER gives it all it needs.
	before, err := server.In(database).Query(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(t.TempDir(), "written")
	for _, mode := range []struct{ name, driver, params string }{
		{"pgx", "pgx", ""},
		{"pgx with the simple protocol", "pgx", "&default_query_exec_mode=simple_protocol"},
		{"pgx, statements as text", "pgx", "&pool_statements=text&default_query_exec_mode=exec"},
		{"lib/pq", "pq", ""},
		{"lib/pq, statements as text", "pq", "&pool_statements=text&binary_parameters=yes"},
	} {
		t.Run(mode.name, func(t *testing.T) {
			// One connection, so that each attack meets what the one before it left.
			a := serve(t, dsn+"&pool_max_conns=1&pool_min_idle=1"+mode.params, "--driver", mode.driver, "--timeout", "2s")
			for _, attack := range attacks {
				found := a.ask(strings.ReplaceAll(attack.sql, "MARK", mark))
				if attack.want == "" {
					continue
				}
				if found.Error == nil || !strings.Contains(found.Error.Message, attack.want) {
					t.Errorf("%s: got %+v, want %q", attack.sql, found.Error, attack.want)
				}
			}
			for _, sql := range []string{"ANALYZE DELETE FROM orders", "(ANALYZE) DELETE FROM orders", "DELETE FROM orders"} {
				var plan answer
				a.call("query", question{SQL: sql, Explain: true}, &plan) // the last one is explained, none is executed
			}

			began := time.Now()
			slow := a.ask("SELECT set_config('statement_timeout', '0', false), pg_sleep(60)")
			if slow.Error == nil || slow.Error.Kind != "timeout" || slow.Error.SQLState != "57014" || time.Since(began) > 20*time.Second {
				t.Errorf("a slow query: %+v after %v", slow.Error, time.Since(began))
			}

			// The connection is the one from the start, and clean.
			clean := a.ask(`SELECT current_setting('application_name') = 'mine', current_setting('search_path'),
				(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), current_setting('statement_timeout')`)
			if clean.Error != nil || clean.Rows[0][0] != false || clean.Rows[0][1] == "pg_temp" || clean.Rows[0][2] != 0.0 || clean.Rows[0][3] != "2s" {
				t.Errorf("left in the session: %+v %+v", clean.Rows, clean.Error)
			}
			if found := a.ask("SELECT count(*) FROM orders"); found.Error != nil || found.Rows[0][0] != 50.0 {
				t.Errorf("afterwards: %+v", found)
			}
			a.leave()
			after, err := server.In(database).Query(t.Context(), state)
			if err != nil || strings.Join(after[0], " ") != strings.Join(before[0], " ") {
				t.Errorf("before %v, after %v (%v)", before, after, err)
			}
			if _, err := os.Stat(mark); err == nil {
				t.Errorf("%s was written on the server", mark)
			}
		})
	}
}

// A role that could do more than read is refused, because nothing in a transaction holds it back.
func TestAPrivilegedRoleIsRefused(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	database := server.NewDatabase(t)
	readerRole(t, server, database)
	err := server.In(database).Exec(t.Context(), `
		CREATE ROLE deputy LOGIN IN ROLE postgres;
		CREATE ROLE signaller LOGIN IN ROLE pg_signal_backend;
		CREATE ROLE writer LOGIN IN ROLE pg_write_server_files, pg_execute_server_program;
		CREATE ROLE replicator LOGIN REPLICATION`)
	if err != nil {
		t.Fatal(err)
	}
	for role, want := range map[string]string{
		"postgres":   `the role "postgres" can do more than read: superuser;`,
		"deputy":     `the role "deputy" can do more than read: superuser (as postgres);`,
		"signaller":  `can do more than read: pg_signal_backend;`,
		"writer":     "pg_write_server_files",
		"replicator": "replication;",
	} {
		as := server.TCP()
		as.User, as.Password = role, ""
		a := serve(t, as.URL(database))
		found := a.ask("SELECT 1")
		if found.Error == nil || found.Error.Code != codePrivileged || !strings.Contains(found.Error.Message, want) ||
			!strings.Contains(found.Error.Hint, "--privileged") || found.Pool != nil {
			t.Errorf("%s: got %+v", role, found.Error)
		}
		a.leave()
	}

	// Allowed to, it still writes to no table and runs no program.
	mark := filepath.Join(t.TempDir(), "written")
	a := serve(t, server.DSN(database), "--privileged")
	for _, sql := range []string{"COPY orders TO PROGRAM 'touch " + mark + "'", "DELETE FROM orders", "SELECT nextval('numbers')"} {
		if found := a.ask(sql); found.Error == nil {
			t.Errorf("%s: got %+v", sql, found)
		}
	}
	if found := a.ask("SELECT count(*) FROM orders"); found.Error != nil || found.Rows[0][0] != 50.0 {
		t.Errorf("got %+v", found)
	}
	a.leave()
	if _, err := os.Stat(mark); err == nil {
		t.Errorf("%s was written on the server", mark)
	}
}
