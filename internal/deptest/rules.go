package deptest

// Rules is the architecture as a table. A folder that does not exist yet breaks no rule.
var Rules = []Rule{
	{
		ID: "core", From: []string{"./sqlpool/..."},
		Allow: []string{
			"std", "./sqlpool/...", "./internal/sqltext", "github.com/hashicorp/go-multierror", "github.com/hashicorp/errwrap",
		},
		Why: "the core serves any driver and any observability, so it knows none of them",
	},
	{
		ID: "queue", From: []string{"./sqlpool/internal/queue"},
		Allow: []string{"math"},
		Why:   "the order of waiters is decided without a pool, a driver, a lock or a clock, so that it can be simulated",
	},
	{
		ID: "machine", From: []string{"./sqlpool/internal/dialing"},
		Allow: []string{"math", "time"},
		Why:   "it decides by numbers that it is told: no lock, no context, no goroutine, and its tests are tables",
	},
	{
		ID: "pgerror", From: []string{"./sqlpool/internal/pgerror"},
		Allow: []string{"std"},
		Why:   "what an error means is known from the error alone",
	},
	{
		ID: "verdict", From: []string{"./sqlpool/internal/verdict"},
		Allow: []string{"./sqlpool/internal/pgerror"},
		Why:   "it is a function of facts: no driver, no clock, no lock, so that its test is a table and a proof over all facts",
	},
	{
		ID: "driverx", From: []string{"./sqlpool/internal/driverx"},
		Allow: []string{"std"},
		Why:   "a driver is called as database/sql calls it, whatever the pool is about",
	},
	{
		ID: "stmts", From: []string{"./sqlpool/internal/stmts"},
		Allow: []string{"std", "./internal/sqltext", "./sqlpool/internal/pgerror"},
		Why:   "what is prepared where is known without the pool and its lock",
	},
	{
		ID: "byname", From: []string{"./drivers/byname/..."},
		Forbid: []string{"./drivers", "./drivers/pgxv5/...", "./drivers/libpq/...", "github.com/jackc/pgx/v5/...", "github.com/lib/pq/..."},
		Why:    "a program links the drivers that it imports and no other",
	},
	{
		ID: "books", From: []string{"./sqlpool/internal/slots", "./sqlpool/internal/idle"},
		Allow: []string{"fmt", "slices"},
		Why:   "what a slot is used for is counted without a pool, a driver, a lock or a clock, so that any way through the states can be tried",
	},
	{
		ID: "sqlstack", From: []string{"./sqlpool/internal/sqlstack"},
		Allow: []string{"context", "database/sql", "database/sql/driver", "runtime", "strings", "sync"},
		Why:   "it reads the stack below database/sql, whatever the pool is about",
	},
	{
		ID: "sqlrows", From: []string{"./sqlpool/internal/sqlrows"},
		Allow: []string{"database/sql/driver", "io", "reflect"},
		Why:   "what ends with rows is the caller's: it has the rows and a function to call",
	},
	{
		ID: "txctx", From: []string{"./sqlpool/internal/txctx"},
		Allow: []string{"context", "time"},
		Why:   "when a statement ends is said by two contexts, without a connection or a transaction",
	},
	{
		ID: "alarm", From: []string{"./sqlpool/internal/alarm"},
		Allow: []string{"math", "time"},
		Why:   "it is a timer and nothing else: its owner has the lock",
	},
	{
		ID: "pgx-adapter", From: []string{"./drivers/pgxv5/..."},
		Allow:  []string{"std", "./drivers/byname", "./drivers/internal/...", "./internal/sqltext", "github.com/jackc/pgx/v5/..."},
		Forbid: []string{"./drivers", "./drivers/libpq/...", "github.com/lib/pq/..."},
		Why:    "an adapter serves any pool, registers itself and no more, and a program on pgx links no lib/pq",
	},
	{
		ID: "pq-adapter", From: []string{"./drivers/libpq/..."},
		Allow:  []string{"std", "./drivers/byname", "./drivers/internal/...", "./internal/sqltext", "github.com/lib/pq/..."},
		Forbid: []string{"./drivers", "./drivers/pgxv5/...", "github.com/jackc/pgx/v5/..."},
		Why:    "an adapter serves any pool, registers itself and no more, and a program on lib/pq links no pgx",
	},
	{
		ID: "hooks", From: []string{"./hooks/..."}, Except: []string{"./hooks/debugui"},
		Allow: []string{"std", "./sqlpool"},
		Why:   "a hook is what a user could have written: it has the core's public surface and nothing else",
	},
	{
		ID: "debugui", From: []string{"./hooks/debugui"},
		Allow: []string{"std", "./sqlpool", "./hooks/leak", "./hooks/health", "./hooks/fleet", "./internal/histogram", "./internal/sqltext"},
		Why:   "the page shows what the other hooks know; it is a user of theirs, and costs its own users no dependency",
	},
	{
		ID: "mocks", From: []string{"./mocks/..."},
		Allow: []string{"std", "./sqlpool", "./hooks/leak", "./mocks/...", "./internal/sqltext", "github.com/DATA-DOG/go-sqlmock"},
		Why:   "a test on a mock needs neither driver nor server, whichever its program uses",
	},
	{
		ID: "conformance", From: []string{"./conformance"},
		Allow: []string{"std", "./sqlpool", "./sqlpool/route", "./hooks/..."},
		Why:   "a driver's author takes the suite and no other driver with it",
	},
	{
		ID: "cmd", From: []string{"all"}, Except: []string{"./cmd/..."}, Nested: true, Tests: true,
		Forbid: []string{"./cmd/..."},
		Why:    "a command is an end, not a library",
	},
	{
		ID: "fakedb", From: []string{"./internal/fakedb/..."}, Tests: true,
		Allow: []string{"std", "./internal/fakedb/..."},
		Why:   "the core's tests use it: an import of the core would be a cycle, of anything else a second opinion on time",
	},
	{
		ID: "test-servers", From: []string{"all"}, Nested: true,
		Except: []string{"./internal/...", "./cmd/...", "./bench/...", "./conformance/..."},
		Forbid: []string{"./internal/fakedb/...", "./internal/pgserver/..."},
		Why:    "a fake or private server has no place in a user's program",
	},
}

// Direct is exactly what the library's go.mod may require directly: each is a cost to every user.
var Direct = map[string]string{
	"github.com/DATA-DOG/go-sqlmock":     "mocks/sqlmockpool puts the pool over it",
	"github.com/hashicorp/go-multierror": "Config.Validate and Shutdown report everything at once",
	"github.com/jackc/pgx/v5":            "drivers/pgxv5",
	"github.com/lib/pq":                  "drivers/libpq",
}
