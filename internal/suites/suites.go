package main

import (
	"embed"
	"fmt"

	"github.com/sqlpool/go/internal/pgserver"
)

// A suite is a project's tests. Of the project only lines change that open a database or name its address, and lines that
// take a connection's type for granted. Files from graft/ are what such a line calls.
type suite struct {
	name   string
	source source
	module string            // the folder of the go.mod that the tests are run from
	tests  []string          // arguments of go test: packages, and -run where the others need another database
	setup  []string          // statements on the server
	env    map[string]string // values may hold the words of words

	both  changes // in the plain run too: where the database is
	plain changes // only in the plain run
	pool  changes // only through the pool
}

// changes are what is done to a copy of the project. The words of words stand for the server in what replaces a line.
type changes struct {
	remove  []string // files and folders
	patches []patch
	grafts  map[string]string // the file's path to its name in graft/
}

// A patch replaces a text everywhere in one file. It is an error if the file does not have it.
type patch struct{ file, old, new string }

//go:embed graft
var grafts embed.FS

// words are what stands for the server in env and in patches.
func words(s *pgserver.Server) []string {
	return []string{
		"{port}", fmt.Sprint(s.TCP().Port),
		"{url}", s.DSN("suite"),
		"{keyvalue}", s.TCP().KeyValue("suite"),
	}
}

var suites = []suite{libpq, pgxStdlib, sqlx, bun, gorm, ent, goose, gooseSQLite, migratePQ, migratePGX, goSQLMock}

// Lib/pq's listeners dial by themselves, without database/sql; their tests panic where the machine is late by 100 ms, and end the
// run of all others.
var libpq = suite{
	name: "lib/pq", source: module("github.com/lib/pq", "v1.12.3"), tests: []string{"-parallel=1", "-skip=^TestListener", "."},
	setup: []string{"CREATE ROLE pqgo SUPERUSER LOGIN", "CREATE DATABASE pqgo OWNER pqgo"},
	env:   map[string]string{"PGPORT": "{port}"},
	pool: changes{
		patches: []patch{
			{"internal/pqtest/pqtest.go", "db, err := sql.Open(", "db, err := Open("},
			{"internal/pqtest/pqtest.go", "\nfunc DSN(", "\nvar Open = sql.Open\n\nfunc DSN("},
		},
		grafts: map[string]string{"sqlpool_test.go": "libpq.go.txt"},
	},
}

var pgxStdlib = suite{
	name: "pgx stdlib", source: module("github.com/jackc/pgx/v5", "v5.12.0"), tests: []string{"./stdlib"},
	setup: []string{`ALTER DATABASE suite SET TimeZone TO 'America/Chicago'`},
	env:   map[string]string{"PGX_TEST_DATABASE": "{url}"},
	pool: changes{
		patches: []patch{
			{"stdlib/sql_test.go", "stdlib.OpenDB(", "openPool("},
			{"stdlib/sql_test.go", `sql.Open("pgx", `, `sql.Open("sqlpool-pgx", `},
			{"stdlib/sql_test.go", "driverConn.(*stdlib.Conn).Conn()", "unwrapped(driverConn)"},
		},
		grafts: map[string]string{"stdlib/sqlpool_test.go": "pgxstdlib.go.txt"},
	},
}

var sqlx = suite{
	name: "sqlx", source: module("github.com/jmoiron/sqlx", "v1.4.0"), tests: []string{"./..."},
	env: map[string]string{"SQLX_POSTGRES_DSN": "{url}", "SQLX_MYSQL_DSN": "skip", "SQLX_SQLITE_DSN": "skip"},
	pool: changes{
		patches: []patch{{"sqlx_test.go", `Connect("postgres", pgdsn)`, `Connect(pooled, pgdsn)`}},
		grafts:  map[string]string{"sqlpool_test.go": "sqlx.go.txt"},
	},
}

// Bun's tests open pgx's fourth major version. Both runs have the fifth, which the pool's adapter is for.
var bun = suite{
	name: "bun", source: repository("https://github.com/uptrace/bun", "v1.2.18"), module: "internal/dbtest", tests: []string{"."},
	env:  map[string]string{"PG": "{url}"},
	both: changes{patches: []patch{{"internal/dbtest/db_test.go", "github.com/jackc/pgx/v4/stdlib", "github.com/jackc/pgx/v5/stdlib"}}},
	pool: changes{
		patches: []patch{
			{"internal/dbtest/db_test.go", "sql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN(dsn)))", "openPool(pgdriver.NewConnector(pgdriver.WithDSN(dsn)))"},
			{"internal/dbtest/db_test.go", `sql.Open("pgx", dsn)`, `sql.Open("sqlpool-pgx", dsn)`},
			{"driver/pgdriver/copy.go", "driverConn.(*Conn)", "driverConn.(interface{ Raw() driver.Conn }).Raw().(*Conn)"},
			{"driver/pgdriver/copy.go", "\t\"database/sql\"\n", "\t\"database/sql\"\n\t\"database/sql/driver\"\n"},
		},
		grafts: map[string]string{"internal/dbtest/sqlpool_test.go": "bun.go.txt"},
	},
}

var gorm = suite{
	name: "gorm", source: repository("https://github.com/go-gorm/gorm", "v1.31.2"), module: "tests", tests: []string{"./..."},
	env: map[string]string{"GORM_DIALECT": "postgres", "GORM_DSN": "{keyvalue} TimeZone=Asia/Shanghai default_query_exec_mode=simple_protocol"},
	pool: changes{
		patches: []patch{{
			"tests/tests_test.go", "\t\t\tDSN:                  dbDSN,\n\t\t\tPreferSimpleProtocol: true,\n\t\t}), cfg)\n\tcase \"gaussdb\"",
			"\t\t\tDriverName: \"sqlpool-pgx\",\n\t\t\tDSN:        dbDSN,\n\t\t}), cfg)\n\tcase \"gaussdb\"",
		}},
		grafts: map[string]string{"tests/sqlpool_test.go": "gorm.go.txt"},
	},
}

// Ent names the port of a server for each major version of PostgreSQL. One of them is the server here, whatever its version.
var ent = suite{
	name: "ent", source: repository("https://github.com/ent/ent", "v0.14.5"), module: "entc/integration",
	tests: []string{"-run=^TestPostgres$/^13$", ".", "./customid", "./json", "./migrate"},
	setup: []string{"CREATE DATABASE test"},
	both: changes{patches: []patch{
		{"entc/integration/integration_test.go", `"13": 5433`, `"13": {port}`},
		{"entc/integration/customid/customid_test.go", `map[string]int{"10": 5430, "11": 5431, "12": 5433, "13": 5434}`, `map[string]int{"13": {port}}`},
		{"entc/integration/json/json_test.go", `map[string]int{"10": 5430, "11": 5431, "12": 5433, "13": 5434}`, `map[string]int{"13": {port}}`},
		{"entc/integration/migrate/migrate_test.go", `map[string]int{"10": 5430, "11": 5431, "12": 5432, "13": 5433, "14": 5434}`, `map[string]int{"13": {port}}`},
	}},
	pool: changes{
		patches: []patch{
			{"dialect/sql/driver.go", "sql.Open(dialect, source)", "sql.Open(pooled(dialect), source)"},
			{"entc/integration/customid/customid_test.go", "sql.Open(dialect.Postgres, dsn)", `sql.Open("sqlpool-pq", dsn)`},
		},
		grafts: map[string]string{"dialect/sql/sqlpool.go": "ent.go.txt"},
	},
}

// Goose starts each database in a container, in package testdb. The server here takes their place.
var goose = suite{
	name: "goose", source: repository("https://github.com/pressly/goose", "v3.27.3"), module: "internal/testing",
	tests: []string{"-run=Postgres|Locking|Locker", "./integration/..."},
	env:   map[string]string{"SUITE_DSN": "{url}"},
	both:  changes{remove: []string{"internal/testing/testdb"}, grafts: map[string]string{"internal/testing/testdb/testdb.go": "goose.go.txt"}},
	plain: changes{grafts: map[string]string{"internal/testing/testdb/open.go": "gooseplain.go.txt"}},
	pool:  changes{grafts: map[string]string{"internal/testing/testdb/open.go": "goosepool.go.txt"}},
}

var gooseSQLite = suite{
	name: "goose on SQLite", source: module("github.com/pressly/goose/v3", "v3.27.3"), tests: []string{".", "./database", "./tests/gomigrations/success"},
	pool: changes{
		patches: []patch{
			{"database/store_test.go", `sql.Open("sqlite", `, `sql.Open("sqlpool-sqlite", `},
			{"provider_run_test.go", `sql.Open("sqlite", `, `sql.Open("sqlpool-sqlite", `},
			{"provider_test.go", `sql.Open("sqlite", `, `sql.Open("sqlpool-sqlite", `},
			{"provider_options_test.go", `sql.Open("sqlite", `, `sql.Open("sqlpool-sqlite", `},
			{"goose_embed_test.go", `sql.Open("sqlite", `, `sql.Open("sqlpool-sqlite", `},
			{"tests/gomigrations/success/gomigrations_success_test.go", `sql.Open("sqlite", `, `sql.Open("sqlpool-sqlite", `},
			{"tests/gomigrations/success/gomigrations_success_test.go", "import (\n", "import (\n\t_ \"github.com/pressly/goose/v3/sqlpoolsqlite\"\n"},
			{"database/store_test.go", "import (\n", "import (\n\t_ \"github.com/pressly/goose/v3/sqlpoolsqlite\"\n"},
			{"provider_run_test.go", "import (\n", "import (\n\t_ \"github.com/pressly/goose/v3/sqlpoolsqlite\"\n"},
		},
		grafts: map[string]string{"sqlpoolsqlite/sqlite.go": "sqlite.go.txt"},
	},
}

// Golang-migrate starts a container for each test, in package dktesting. Here each test has the server with its database
// made anew, and the tests take turns. One of them holds 30 connections at once, for which it calls SetMaxOpenConns.
var migrateBoth = changes{
	patches: []patch{
		{"database/postgres/postgres_test.go", "{ImageName: \"postgres:14\", Options: opts},\n\t\t{ImageName: \"postgres:15\", Options: opts},\n\t\t{ImageName: \"postgres:16\", Options: opts},\n\t\t{ImageName: \"postgres:17\", Options: opts},\n", ""},
		{"database/pgx/v5/pgx_test.go", "{ImageName: \"postgres:14\", Options: opts},\n\t\t{ImageName: \"postgres:15\", Options: opts},\n\t\t{ImageName: \"postgres:16\", Options: opts},\n\t\t{ImageName: \"postgres:17\", Options: opts},\n", ""},
	},
	grafts: map[string]string{"dktesting/dktesting.go": "migrate.go.txt"},
}

var migratePQ = suite{
	name: "golang-migrate on lib/pq", source: module("github.com/golang-migrate/migrate/v4", "v4.20.1"), tests: []string{"./database/postgres"},
	env: map[string]string{"SUITE_PORT": "{port}", "POOL_MAX_CONNS": "30"}, both: migrateBoth,
	pool: changes{
		patches: []patch{
			{"database/postgres/postgres.go", `sql.Open("postgres", `, `sql.Open("sqlpool-pq", `},
			{"database/postgres/postgres_test.go", `sql.Open("postgres", `, `sql.Open("sqlpool-pq", `},
		},
		grafts: map[string]string{"database/postgres/sqlpool.go": "migratepq.go.txt"},
	},
}

var migratePGX = suite{
	name: "golang-migrate on pgx", source: module("github.com/golang-migrate/migrate/v4", "v4.20.1"), tests: []string{"./database/pgx/v5"},
	env: map[string]string{"SUITE_PORT": "{port}", "POOL_MAX_CONNS": "30"}, both: migrateBoth,
	pool: changes{
		patches: []patch{
			{"database/pgx/v5/pgx.go", `sql.Open("pgx/v5", `, `sql.Open("sqlpool-pgx", `},
			{"database/pgx/v5/pgx_test.go", `sql.Open("pgx", `, `sql.Open("sqlpool-pgx", `},
		},
		grafts: map[string]string{"database/pgx/v5/sqlpool.go": "migratepgx.go.txt"},
	},
}

// Go-sqlmock's tests run through mocks/sqlmockpool, which is not to fail them for what they leave open or unmet on purpose. A file
// for Go before 1.8 has a build constraint in the old form alone, which a module of today does not read.
var goSQLMock = suite{
	name: "go-sqlmock", source: module("github.com/DATA-DOG/go-sqlmock", "v1.5.2"), tests: []string{"."},
	both: changes{remove: []string{"sqlmock_before_go18_test.go"}},
	pool: changes{
		patches: append(everywhere(" := New(", " := openPool(t, ",
			"argument_test.go", "driver_test.go", "expectations_go19_test.go", "expectations_test.go", "query_test.go", "result_test.go",
			"rows_go18_test.go", "rows_test.go", "sqlmock_go18_test.go", "sqlmock_go19_test.go", "sqlmock_test.go", "statement_test.go"),
			patch{"driver_test.go", " := NewWithDSN(", " := OpenPoolWithDSN(t, "}),
		grafts: map[string]string{"sqlpool_test.go": "sqlmock.go.txt", "sqlpool_set_test.go": "sqlmockset.go.txt"},
	},
}

// everywhere is one patch of several files.
func everywhere(old, new string, files ...string) []patch {
	all := make([]patch, len(files))
	for i, file := range files {
		all[i] = patch{file, old, new}
	}
	return all
}
