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
	URL           string        `arg:"" name:"url" help:"Where the program has mounted hooks/debugui, for example http://localhost:6060/debug/sqlpool/. Without a path, that one is taken."`
	Every         time.Duration `default:"1s" help:"How often to look."`
	Once          bool          `help:"Look once, write what there is as text, and end. So it is without a terminal."`
	JSON          bool          `name:"json" help:"Look once and write the page's JSON on standard output."`
	Authorization string        `env:"SQLPOOL_AUTHORIZATION" placeholder:"VALUE" help:"Authorization header to send. Better in the variable: what is on the command line is in the list of processes."`
}

// Help is the rest of watch's --help.
func (watch) Help() string {
	return `Shows the page of hooks/debugui in a terminal: how the pool is and since when, its connections, who waits, who holds
what, and what happened. It only reads. When the program ends, the last look stays and says how old it is; when the
program comes back, so does the view.

Keys: q ends, p stops and goes on, s shows the stacks of holders, up and down scroll.

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
	_, err = tea.NewProgram(screen, tea.WithContext(ctx), tea.WithOutput(c.stdout)).Run()
	if errors.Is(err, tea.ErrInterrupted) || ctx.Err() != nil {
		return errTold // which is how watching ends
	}
	return err
}
