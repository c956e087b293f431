package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2

	exitInterrupted = 130 // as a shell has it after SIGINT: 128 and the signal's number
)

// verbs is the command line. A verb is a field here and a file of its own.
type verbs struct {
	Demo    demo      `cmd:"" help:"Move money through the pool on each driver and count what happens."`
	Conform conform   `cmd:"" help:"Check the rules of the conformance suite on a database."`
	Soak    soak      `cmd:"" help:"Write tokens through faults of every kind and count them on the server."`
	Bench   benchVerb `cmd:"" help:"Measure the pool on your own server, and recommend a size for it."`
	Check   check     `cmd:"" help:"Check a database for use with a pool, and recommend settings."`
	Watch   watch     `cmd:"" help:"Show a running pool in the terminal."`
	MCP     mcp       `cmd:"" name:"mcp" help:"Serve the pool's health, statistics and read-only queries to an assistant."`
}

// console is where a verb writes: results to stdout, everything else to stderr.
type console struct {
	stdout, stderr io.Writer

	tamper tamper // nil but in tests
}

// errChecks ends a verb whose report, already written, has failed checks.
var errChecks = errors.New("a check failed")

// errTold ends a verb that works until it is told to end.
var errTold = errors.New("told to end")

// interruption is the error of work that ended with ctx, in the words of all verbs.
func interruption(ctx context.Context, err error) error {
	if ctx.Err() == nil || err == nil {
		return err
	}
	return errInterrupted
}

var errInterrupted = errors.New("interrupted")

// run is main without the process.
func run(ctx context.Context, c *console, args []string) (status int) {
	parser := newParser(ctx, c, &verbs{})
	defer func() {
		switch r := recover().(type) {
		case nil:
		case helpShown:
			status = int(r)
		default:
			panic(r)
		}
	}()
	parsed, err := parser.Parse(args)
	if err != nil {
		at, message := "sqlpool", hideDSN(err.Error(), args)
		var where *kong.ParseError
		if errors.As(err, &where) && where.Context.Selected() != nil {
			verb := where.Context.Selected().Name
			at, message = at+" "+verb, strings.TrimPrefix(message, verb+": ")
		}
		_, _ = fmt.Fprintf(c.stderr, "%s: %s\nSee: %[1]s --help\n", at, message)
		return exitUsage
	}
	switch err := parsed.Run(); {
	case errors.Is(err, errTold):
		return exitOK
	case ctx.Err() != nil: // also without an error: what was not done to the end is not well
		_, _ = fmt.Fprintf(c.stderr, "sqlpool %s: %v\n", parsed.Selected().Name, errInterrupted)
		return exitInterrupted
	case err != nil:
		_, _ = fmt.Fprintf(c.stderr, "sqlpool %s: %v\n", parsed.Selected().Name, err)
		return exitFailed
	}
	return exitOK
}

func newParser(ctx context.Context, c *console, line *verbs) *kong.Kong {
	return kong.Must(line, kong.Name("sqlpool"),
		kong.Description("A connection pool behind *sql.DB: see it run, test it, measure it."),
		kong.Writers(c.stdout, c.stderr), kong.Exit(func(code int) { panic(helpShown(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(c))
}

// helpShown is how --help leaves the parser, which expects the process to end there.
type helpShown int

// hideDSN takes connection strings out of the parser's messages, which repeat what they do not understand: the
// commonest mistake is a DSN without its --dsn, and the password in it would be in the terminal's or a log's memory.
func hideDSN(message string, args []string) string {
	const hidden = "(a connection string)"
	for _, arg := range args {
		if _, value, isFlag := strings.Cut(arg, "="); isFlag && strings.HasPrefix(arg, "-") {
			arg = value
		}
		if !strings.Contains(arg, "://") && !strings.Contains(arg, "=") {
			continue
		}
		quoted := fmt.Sprintf("%q", arg)
		message = strings.ReplaceAll(message, quoted, hidden)
		message = strings.ReplaceAll(message, quoted[1:len(quoted)-1], hidden)
		message = strings.ReplaceAll(message, arg, hidden)
	}
	return message
}
