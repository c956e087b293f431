// Command sqlpool shows, tests and measures the connection pool of package sqlpool. Each verb says with --help what it
// does, and shows an example.
//
// The exit status is 0 if all is well, 1 if a check failed or the work could not be done, 2 if the command line cannot be
// understood, and 130 if the work was interrupted before its end. What runs until it is interrupted (watch, mcp, demo --keep)
// has done its work then.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// The first signal lets a verb clean up after itself; the second one, with the handler gone, ends it as usual.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, &console{stdout: os.Stdout, stderr: os.Stderr}, os.Args[1:]))
}
