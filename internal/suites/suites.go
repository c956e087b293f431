package main

import (
	_ "embed"
	"fmt"

	"github.com/sqlpool/go/internal/pgserver"
)

// A suite is one module's tests. A patch changes a line that opens a database, or that takes a connection's type for
// granted; a graft is a file that is added, which such a line calls.
type suite struct {
	name, module, version string
	folder                string // of the go.mod
	packages              []string
	setup                 []string // statements
	env                   func(*pgserver.Server) []string
	patches               []patch
	grafts                map[string]string
}

type patch struct{ file, old, new string }

//go:embed graft/pq.go.txt
var pqGraft string

//go:embed graft/pgx.go.txt
var pgxGraft string

var suites = []suite{
	{
		name: "lib/pq", module: "github.com/lib/pq", version: "v1.12.3", packages: []string{"."},
		setup: []string{"CREATE ROLE pqgo SUPERUSER LOGIN", "CREATE DATABASE pqgo OWNER pqgo"},
		env: func(s *pgserver.Server) []string {
			return []string{fmt.Sprintf("PGPORT=%d", s.TCP().Port)}
		},
		patches: []patch{
			{"internal/pqtest/pqtest.go", "db, err := sql.Open(", "db, err := Open("},
			{"internal/pqtest/pqtest.go", "\nfunc DSN(", "\nvar Open = sql.Open\n\nfunc DSN("},
		},
		grafts: map[string]string{"sqlpool_test.go": pqGraft},
	},
	{
		name: "pgx stdlib", module: "github.com/jackc/pgx/v5", version: "v5.12.0", packages: []string{"./stdlib"},
		setup: []string{"CREATE DATABASE pgx_test", `ALTER DATABASE pgx_test SET TimeZone TO 'America/Chicago'`},
		env: func(s *pgserver.Server) []string {
			return []string{"PGX_TEST_DATABASE=" + s.DSN("pgx_test")}
		},
		patches: []patch{
			{"stdlib/sql_test.go", "stdlib.OpenDB(", "openPool("},
			{"stdlib/sql_test.go", `sql.Open("pgx", `, `sql.Open("sqlpool-pgx", `},
			{"stdlib/sql_test.go", "driverConn.(*stdlib.Conn).Conn()", "unwrapped(driverConn)"},
		},
		grafts: map[string]string{"stdlib/sqlpool_test.go": pgxGraft},
	},
}
