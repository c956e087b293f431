package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sqlpool/go/sqlpool"
)

// mcp is the verb that lets an assistant look at a pool and read through it.
type mcp struct {
	Driver        string        `enum:"pgx,pq" default:"pgx" help:"Driver under the pool: pgx or pq (lib/pq)."`
	DSN           string        `name:"dsn" placeholder:"DSN" help:"Database to use, as a URL or key=value; pool_ settings may be in it. Without it DATABASE_URL is used, then PG* variables; a password in a variable is not in the list of processes."`
	Page          string        `placeholder:"URL" help:"Serve the pool of a running program instead, from its live page (hooks/debugui), for example http://localhost:6060/debug/sqlpool/. Then there is no query."`
	Authorization string        `env:"SQLPOOL_AUTHORIZATION" placeholder:"VALUE" help:"Authorization header to send to --page. Prefer the variable: the list of processes shows the command line."`
	JSON          bool          `name:"json" help:"Log as JSON lines on standard error. Standard output has only the protocol, which is JSON in any case."`
	Timeout       time.Duration `default:"10s" help:"How long a query may take, the wait for a connection included."`
	MaxRows       int           `default:"1000" help:"How many rows a query may return at most."`
	Privileged    bool          `help:"Query also under a role that can do more than read (superuser, server programs and files, signals, replication). No transaction can remove these rights, so an assistant has them too."`
}

// Help is the rest of mcp's --help.
func (mcp) Help() string {
	return `A server of the Model Context Protocol on standard input and output: the resource health://connection-pool, and
tools for the pool's statistics, for the holders of its connections, and for a query. A query is one SELECT in a read-only
transaction that is rolled back, with a limit on rows and time. It may call every function that its role may call, so
give it its own role:

    CREATE ROLE assistant LOGIN PASSWORD '…';
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO assistant;

With --page it serves the pool of a running program: the same resource and tools except the query, from the program's
live page. It then opens no connection to the database.

Otherwise it opens a pool at the start. When the client leaves, it shuts the pool down within 30 seconds. It reports a
database that is down, and uses it again when it is back.

Example:

    sqlpool mcp --page http://localhost:6060/debug/sqlpool/
    sqlpool mcp --dsn postgres://assistant@db.example/orders --timeout 5s
    DATABASE_URL=postgres://assistant:…@db.example/orders sqlpool mcp --max-rows 100`
}

// Validate refuses what makes no sense, all of it at once.
func (m *mcp) Validate() error {
	var err error
	if m.Timeout < time.Millisecond {
		err = fmt.Errorf("--timeout is %v: it must be at least 1ms", m.Timeout)
	}
	if m.MaxRows < 1 {
		err = errors.Join(err, fmt.Errorf("--max-rows is %d: it must be at least 1", m.MaxRows))
	}
	if m.Page != "" {
		if m.DSN != "" {
			err = errors.Join(err, errors.New("--page and --dsn are both set: --page looks at a running program's pool, --dsn opens one; give one of them"))
		}
		if _, bad := pageURL(m.Page); bad != nil {
			err = errors.Join(err, fmt.Errorf("--page: %w", bad))
		}
		return err
	}
	if _, bad := m.config(nil); bad != nil {
		err = errors.Join(err, bad)
	}
	return err
}

// Run serves one client until it leaves or the process is told to end.
func (m *mcp) Run(ctx context.Context, c *console) error {
	log := slog.New(slog.NewTextHandler(c.stderr, nil))
	if m.JSON {
		log = slog.New(slog.NewJSONHandler(c.stderr, nil))
	}
	// The protocol has standard output for itself: whatever else is printed in this process goes where the log is.
	in, out := os.Stdin, os.Stdout
	os.Stdout = os.Stderr
	defer func() { os.Stdout = out }()

	if m.Page != "" {
		return m.remote(ctx, in, out, log)
	}
	open, err := m.open(log)
	if err != nil {
		return err
	}
	log.Info("pool opened", "pool", open.pool.Name(), "driver", m.Driver, "max_conns", open.pool.Config().MaxConns)
	server := m.server(open, log)
	telling, stop := context.WithCancel(ctx)
	defer stop()
	go open.changes.tell(telling, server)
	err = server.Run(ctx, &sdk.IOTransport{Reader: in, Writer: out})
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = nil // told to end
	}
	if err = errors.Join(err, open.shutdown(context.WithoutCancel(ctx), log)); err == nil && ctx.Err() != nil {
		return errTold
	}
	return err
}

// shutdown lets what is under way finish, for as long as a pool's Close does.
func (o *opened) shutdown(ctx context.Context, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, sqlpool.DefaultShutdownTimeout)
	defer cancel()
	began := time.Now()
	err := errors.Join(o.pool.Shutdown(ctx), o.db.Close())
	log.Info("pool closed", "pool", o.pool.Name(), "took_ms", milliseconds(time.Since(began)))
	return err
}

// version is this module's, as far as the build knows it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
