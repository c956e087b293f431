package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// line is the progress: redrawn on a terminal, a line now and then elsewhere.
type line struct {
	w        *os.File
	terminal bool
	begun    time.Time
	shown    time.Time
}

func newLine(w *os.File) *line {
	info, err := w.Stat()
	return &line{w: w, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0, begun: time.Now()}
}

func (l *line) show(workload string, done float64) {
	pause := 10 * time.Second
	if l.terminal {
		pause = 200 * time.Millisecond
	}
	if time.Since(l.shown) < pause {
		return
	}
	l.shown = time.Now()
	left := "?"
	if done > 0.01 {
		took := time.Since(l.begun)
		left = (time.Duration(float64(took)/done) - took).Round(time.Second).String()
	}
	full := int(done*30 + 0.5)
	text := fmt.Sprintf("[%s%s] %3.0f %%  %s left  %s", strings.Repeat("#", full), strings.Repeat("-", 30-full), 100*done, left, workload)
	if l.terminal {
		_, _ = fmt.Fprintf(l.w, "\r%s\x1b[K", text)
		return
	}
	_, _ = fmt.Fprintln(l.w, text)
}

func (l *line) clear() {
	if l.terminal {
		_, _ = fmt.Fprint(l.w, "\r\x1b[K")
	}
}
