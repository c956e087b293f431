package conformance

import (
	"context"
	"strings"
)

// A Dialect is how a database says what the rules need to say. An empty field
// is something that it cannot do: the rules that need it are skipped. In a
// statement "{t}" stands for a table's name and %v for a value.
type Dialect struct {
	// Name names the database in reports.
	Name string

	One     string // one row of the integer 1
	Echo    string // its only argument as text
	Series  string // as many rows as %v says, the integers from 1
	Bulk    string // as many rows as %[1]v says, of texts of %[2]v bytes
	Sets    string // two result sets, 1 and 2
	Session string // who serves this connection: different for each, the same for its life
	Sleep   string // takes %v seconds
	Fail    string // fails
	Code    string // the SQLSTATE of Fail, if errors have one
	Raise   string // fails with the SQLSTATE %v, on a session that goes on

	// Stubborn takes %v seconds, and succeeds at once when it is cancelled.
	Stubborn string

	// Echo with its argument, and the answer, of another type.
	EchoInt, EchoFloat, EchoBool, EchoBytes, EchoTime string

	// Types are queries of one row whose values, column names and column types
	// must come through unchanged.
	Types []string

	Set, Show string // a session variable: set to %v, asked; never set it is ''
	Reset     string // takes every session variable back
	Path      string // has names that have no schema looked up in the schema %v
	Begin     string // begins a transaction as text
	Discard   string // drops the session's prepared statements
	Kill      string // ends the session that its only argument names; returns no row when there is none

	// Tables says that there are tables: CREATE TABLE, INSERT, UPDATE, DELETE.
	Tables                   bool
	CreateSchema, DropSchema string // of the name %v; empty where there are none
	Temporary                string // makes a temporary table %v with a text column v, unless there is one; it hides another table
	Insert                   string // its only argument, into the text column v of {t}
	Returning                string // Insert as a query of one row: what was inserted
	Count                    string // how often that is there
	Affect                   string // affects as many rows as %[1]v says; into {t} where there are tables
	Alter                    string // changes the columns of {t}, so that prepared statements go stale

	// Written counts rows without SQL, for databases that have no Count.
	Written func(ctx context.Context, token string) (int, error)

	TxInfo string // what an open transaction says of its isolation and access mode
}

// in puts a table's name in place.
func in(statement, table string) string { return strings.ReplaceAll(statement, "{t}", table) }

// PostgreSQL is the dialect of PostgreSQL.
var PostgreSQL = Dialect{
	Name:    "PostgreSQL",
	One:     "SELECT 1",
	Echo:    "SELECT $1::text",
	Series:  "SELECT n FROM generate_series(1, %v) AS n",
	Bulk:    "SELECT repeat(chr(65 + n %% 26), %[2]v) FROM generate_series(1, %[1]v) AS n",
	Sets:    "SELECT 1; SELECT 2",
	Session: "SELECT pg_backend_pid()",
	Sleep:   "SELECT pg_sleep(%v)",
	Fail:    "SELECT 1/0",
	Code:    "22012",
	Raise:   "DO $$ BEGIN RAISE EXCEPTION 'conformance' USING ERRCODE = '%v'; END $$",

	Stubborn: "DO $$ BEGIN PERFORM pg_sleep(%v); EXCEPTION WHEN query_canceled THEN NULL; END $$",

	EchoInt: "SELECT $1::bigint", EchoFloat: "SELECT $1::float8", EchoBool: "SELECT $1::boolean",
	EchoBytes: "SELECT $1::bytea", EchoTime: "SELECT $1::timestamptz",

	Types: []string{
		"SELECT 1::int2 AS a, 2::int4 AS b, 3::int8 AS c",
		"SELECT 1.5::float4 AS a, 2.5::float8 AS b, 3.25::numeric(10,2) AS c",
		"SELECT true AS a, false AS b, NULL::bool AS c",
		"SELECT 'x'::text AS a, 'y'::varchar(10) AS b, 'z'::char(3) AS c, ''::text AS d",
		"SELECT '\\x00ff'::bytea AS a, ''::bytea AS b",
		"SELECT '2001-02-03'::date AS a, '2001-02-03 04:05:06.789'::timestamp AS b, '2001-02-03 04:05:06.789+00'::timestamptz AS c",
		"SELECT '1900-01-01 23:59:59.999999'::timestamp AS a, '2001-02-03 04:05:06.789012+05:30'::timestamptz AS b, '23:59:59.999999'::time AS c",
		"SELECT 9007199254740993::int8 AS a, 12345678901234567890.123456789::numeric AS b, 'NaN'::float8 AS c, '-Infinity'::float8 AS d",
		"SELECT NULL AS a, NULL::int4 AS b, NULL::text AS c, NULL::bytea AS d, NULL::timestamptz AS e",
		"SELECT '{\"a\": 1}'::jsonb AS a, '[1]'::json AS b, '{1,2}'::int4[] AS c",
		"SELECT 'c0ffee00-0000-0000-0000-000000000000'::uuid AS a, '1 day'::interval AS b, '10.0.0.1'::inet AS c",
		"SELECT 1 AS \"same\", 2 AS \"same\", 3 AS \"Ünï\"",
	},
	Set:          "SET conformance.v = '%v'",
	Show:         "SELECT coalesce(current_setting('conformance.v', true), '')",
	Reset:        "RESET ALL",
	Path:         "SET search_path = %v",
	Begin:        "BEGIN",
	Discard:      "DEALLOCATE ALL",
	Kill:         "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1::text::int",
	Tables:       true,
	CreateSchema: "CREATE SCHEMA %v",
	DropSchema:   "DROP SCHEMA %v CASCADE",
	Temporary:    "CREATE TEMPORARY TABLE IF NOT EXISTS %v (v text)",
	Insert:       "INSERT INTO {t} (v) VALUES ($1)",
	Returning:    "INSERT INTO {t} (v) VALUES ($1) RETURNING v",
	Affect:       "INSERT INTO {t} (v) SELECT 'x' FROM generate_series(1, %v)",
	Count:        "SELECT count(*) FROM {t} WHERE v = $1",
	Alter:        "ALTER TABLE {t} ADD COLUMN w int DEFAULT 7",
	TxInfo:       "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')",
}

// SQLite is the dialect of SQLite.
var SQLite = Dialect{
	Name:   "SQLite",
	One:    "SELECT 1",
	Echo:   "SELECT CAST(? AS TEXT)",
	Series: "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %v) SELECT n FROM s",
	Bulk: "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %[1]v) " +
		"SELECT replace(hex(zeroblob(%[2]v)), '00', char(65 + n %% 26)) FROM s WHERE n <= %[1]v",
	Fail:    "SELECT * FROM conformance_of_nothing",
	EchoInt: "SELECT CAST(? AS INTEGER)", EchoFloat: "SELECT CAST(? AS REAL)", EchoBytes: "SELECT CAST(? AS BLOB)",
	Types: []string{
		"SELECT 1 AS a, 2.5 AS b, 'x' AS c, NULL AS d, x'00ff' AS e",
		"SELECT '' AS a, 0 AS b, x'' AS c",
		"SELECT 1 AS \"same\", 2 AS \"same\", 3 AS \"Ünï\"",
	},
	Begin:     "BEGIN",
	Tables:    true,
	Temporary: "CREATE TEMPORARY TABLE IF NOT EXISTS %v (v text)",
	Insert:    "INSERT INTO {t} (v) VALUES (?)",
	Returning: "INSERT INTO {t} (v) VALUES (?) RETURNING v",
	Affect: "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %[1]v) " +
		"INSERT INTO {t} (v) SELECT 'x' FROM s WHERE n <= %[1]v",
	Count: "SELECT count(*) FROM {t} WHERE v = ?",
	Alter: "ALTER TABLE {t} ADD COLUMN w int DEFAULT 7",
}

// generic is what next to every SQL database says. Databases with a dialect of
// their own are worth a [Target].
var generic = Dialect{
	Name: "SQL",
	One:  "SELECT 1",
	Fail: "SELECT * FROM conformance_of_nothing",
}
