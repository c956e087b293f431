// Package progress shows how long work is getting on: one line that is redrawn on a terminal, a plain line now and then
// anywhere else.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

const (
	redraw = 100 * time.Millisecond // fast enough to look alive
	plain  = 10 * time.Second       // slow enough to be read in a log afterwards

	// A text that is wider than the terminal is cut there, as long as lines do not wrap (DECAWM).
	begin, end = "\r\x1b[K\x1b[?7l", "\x1b[?7h"
)

// Line is a progress line. It belongs to one goroutine.
type Line struct {
	w     io.Writer
	isTTY bool
	last  time.Time // of the last line elsewhere
}

// New returns a progress line on w, which is redrawn if w is a terminal that can do so.
func New(w io.Writer) *Line {
	l := &Line{w: w}
	if f, ok := w.(*os.File); ok && os.Getenv("TERM") != "dumb" {
		info, err := f.Stat()
		l.isTTY = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return l
}

// Every is how often Show is worth calling.
func (l *Line) Every() time.Duration {
	if l.isTTY {
		return redraw
	}
	return plain
}

// Show replaces the line's text on a terminal, cut at its edge. Elsewhere it adds a line, but not sooner than
// Every after the last one: what is shown in between is left out. Colour and other escapes have no place in it.
func (l *Line) Show(text string) {
	if !l.isTTY {
		if now := time.Now(); l.last.IsZero() || now.Sub(l.last) >= plain {
			l.last = now
			_, _ = fmt.Fprintln(l.w, text)
		}
		return
	}
	_, _ = fmt.Fprint(l.w, begin+text+end)
}

// Clear takes the line off a terminal, so that what follows begins where it stood. Elsewhere it does nothing.
func (l *Line) Clear() {
	if l.isTTY {
		_, _ = fmt.Fprint(l.w, "\r\x1b[K")
	}
}

// Bar draws the share done, from 0 to 1, so many characters wide.
func Bar(done float64, width int) string {
	full := min(max(int(done*float64(width)+0.5), 0), width)
	return strings.Repeat("#", full) + strings.Repeat("-", width-full)
}
