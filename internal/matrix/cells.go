package main

// The versions at the ends. A driver's lowest is the first with which the tests of the adapters pass.
const (
	lowestGo, highestGo   = "1.25.14", "1.27.4"
	lowestPgx, highestPgx = "v5.11.0", "v5.13.0"
	lowestPq, highestPq   = "v1.12.1", "v1.12.3"
	pgx, pq               = "v5.12.0", "v1.12.3" // of go.mod
)

// A cell is one combination that is tested.
type cell struct {
	golang   string // empty is the go command at hand
	postgres string // major version
	pgx, pq  string
	packages []string
	corner   bool

	mod, bin string // set when it is fetched: its go.mod, and the folder of the server's programs
}

var (
	everything = []string{"./sqlpool/...", "./drivers/...", "./hooks/...", "./internal/acceptance"}
	server     = []string{"./drivers/...", "./internal/acceptance"} // what speaks to one
)

// One thing at a time differs from what go.mod and the machine have, and the corners.
var cells = []cell{
	{golang: lowestGo, postgres: "13", pgx: lowestPgx, pq: lowestPq, packages: everything, corner: true},
	{golang: lowestGo, postgres: "15", pgx: pgx, pq: pq, packages: everything},
	{postgres: "15", pgx: pgx, pq: pq, packages: everything},
	{golang: highestGo, postgres: "15", pgx: pgx, pq: pq, packages: everything},
	{postgres: "13", pgx: pgx, pq: pq, packages: server},
	{postgres: "14", pgx: pgx, pq: pq, packages: server},
	{postgres: "16", pgx: pgx, pq: pq, packages: server},
	{postgres: "17", pgx: pgx, pq: pq, packages: server},
	{postgres: "18", pgx: pgx, pq: pq, packages: server},
	{postgres: "15", pgx: lowestPgx, pq: lowestPq, packages: server},
	{postgres: "15", pgx: highestPgx, pq: highestPq, packages: server},
	{golang: highestGo, postgres: "18", pgx: highestPgx, pq: highestPq, packages: everything, corner: true},
}
