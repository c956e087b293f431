package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"
)

// watch is the verb that shows a running pool in a terminal.
type watch struct {
	URL           string        `arg:"" name:"url" help:"Where the program has mounted hooks/debugui, for example http://localhost:6060/debug/sqlpool/. Without a path, /debug/sqlpool/ is used."`
	Every         time.Duration `default:"1s" help:"How often to look."`
	Once          bool          `help:"Look once, write the result as text, and end. This is the default without a terminal."`
	JSON          bool          `name:"json" help:"Look once and write the page's JSON on standard output."`
	Authorization string        `env:"SQLPOOL_AUTHORIZATION" placeholder:"VALUE" help:"Authorization header to send. Prefer the variable: the list of processes shows the command line."`
}

// Help is the rest of watch's --help.
func (watch) Help() string {
	return `Shows the page of hooks/debugui in a terminal: the state of the pool and since when, its connections, its queue, the
holders, and what happened. It only reads. When the program ends, the last view stays and shows its age. When the
program is back, the view is updated again.

Keys: q ends, p pauses and continues, s shows the stacks of holders, up and down scroll.

Example:

    sqlpool watch http://localhost:6060/debug/sqlpool/
    sqlpool watch localhost:6060 --once`
}

// Validate refuses what makes no sense, all of it at once.
func (w *watch) Validate() error {
	var err error
	if w.Every < shortestLook {
		err = fmt.Errorf("--every is %v: it must be at least %v", w.Every, shortestLook)
	}
	if _, bad := pageURL(w.URL); bad != nil {
		err = errors.Join(err, bad)
	}
	return err
}

// shortestLook keeps a watcher from being a load.
const shortestLook = 100 * time.Millisecond

// Run runs the verb. The first look decides whether there is anything to watch.
func (w *watch) Run(ctx context.Context, c *console) error {
	page, err := newPage(w.URL, w.Authorization)
	if err != nil {
		return err
	}
	if w.JSON {
		raw, err := page.get(ctx, 0)
		if err != nil {
			return err
		}
		return writeJSON(c.stdout, raw)
	}
	first, err := page.look(ctx, 0)
	if err != nil {
		return err
	}
	screen := &screen{page: page, every: w.Every, view: first, at: time.Now(), now: time.Now(), shown: page.String()}
	screen.remember(first.Samples)
	if file, ok := c.stdout.(*os.File); w.Once || !ok || !term.IsTerminal(int(file.Fd())) {
		_, err := io.WriteString(c.stdout, screen.plain())
		return err
	}
	_, err = tea.NewProgram(screen, tea.WithContext(ctx), tea.WithOutput(c.stdout),
		tea.WithoutSignalHandler(), // ctx ends with a signal: with both, the program may wait for its handler for ever
	).Run()
	if errors.Is(err, tea.ErrInterrupted) || ctx.Err() != nil {
		return errTold // which is how watching ends
	}
	return err
}
