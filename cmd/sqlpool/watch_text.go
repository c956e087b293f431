package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"github.com/sqlpool/go/sqlpool"
)

func (s *screen) holders(add func(string, ...any), title func(string)) {
	if len(s.view.Holders) == 0 {
		return
	}
	title("holders, the longest first")
	for _, h := range s.view.Holders {
		facts := fmt.Sprintf("%9s  connection %d", milli(h.HeldMS), h.Conn)
		if h.Leaked {
			facts += ", too long"
		}
		if h.PID != 0 {
			facts += fmt.Sprintf(", pid %d", h.PID)
		}
		switch {
		case h.IdleMS > 0:
			facts += ", idle in hand for " + milli(h.IdleMS)
		case h.Activity != "":
			facts += ", " + printable(h.Activity)
		}
		if h.InTransaction {
			facts += ", in a transaction"
		}
		if h.Leaked {
			facts = cells["leaked"].style.Render(facts)
		}
		add("%s", facts)
		if at := (sqlpool.Backend{Server: h.Server, Role: h.Role}).String(); at != "" {
			add("             %s", printable(at))
		}
		if h.Statement != "" {
			add("             %s", printable(h.Statement)) // on a line of its own: beside the facts little of it is left
		}
		if s.stacks && len(h.Stack) > 0 {
			for _, f := range h.Stack {
				add("             %s", printable(f.Function))
				add("                 %s", faint.Render(fmt.Sprintf("%s:%d", printable(f.File), f.Line)))
			}
		} else if h.Origin != "" {
			add("             %s", faint.Render(printable(h.Origin)))
		}
	}
}

func (s *screen) footer(width int) string {
	what := fmt.Sprintf("every %v", s.every)
	if s.stopped {
		what = "stopped"
	}
	return faint.Render(ansi.Truncate(fmt.Sprintf("q end  p %s  s stacks  ↑↓ scroll   %s, %s", map[bool]string{false: "stop", true: "go on"}[s.stopped], s.shown, what), width, "…"))
}

// printable takes what a terminal would obey out of a text that comes from elsewhere.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return '·'
		}
		return r
	}, text)
}
