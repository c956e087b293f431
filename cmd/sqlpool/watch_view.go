package main

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/sqlpool/go/hooks/debugui"
)

// Colours are the terminal's own sixteen, which its owner has chosen to be legible; every one stands beside a word or a
// shape that says the same.
var (
	bold   = lipgloss.NewStyle().Bold(true)
	faint  = lipgloss.NewStyle().Faint(true)
	levels = map[string]lipgloss.Style{
		debugui.Starting: bold.Foreground(lipgloss.Cyan),
		debugui.Healthy:  bold.Foreground(lipgloss.Green), debugui.Degraded: bold.Foreground(lipgloss.Yellow),
		debugui.Unhealthy: bold.Foreground(lipgloss.Red), debugui.Paused: bold.Foreground(lipgloss.Cyan), debugui.Closed: bold,
	}
	cells = map[string]struct {
		shape string
		style lipgloss.Style
	}{
		"idle": {"□", faint}, "in_use": {"■", lipgloss.NewStyle().Foreground(lipgloss.Green)},
		"validating": {"◪", lipgloss.NewStyle().Foreground(lipgloss.Cyan)}, "leaked": {"▲", bold.Foreground(lipgloss.Red)},
		"closing": {"×", faint}, "dialing": {"◌", lipgloss.NewStyle().Foreground(lipgloss.Yellow)},
	}
	cellOrder = []string{"in_use", "leaked", "idle", "validating", "dialing", "closing"}
)

// plainWidth is that of a look without a terminal.
const plainWidth = 120

// View implements tea.Model.
func (s *screen) View() tea.View {
	width, height := s.width, s.height
	if width <= 0 || height <= 1 {
		return tea.NewView("") // the terminal has not told its size yet
	}
	lines := s.lines(width)
	room := height - 1 // the last one is the footer
	s.from = max(min(s.from, len(lines)-room), 0)
	lines = lines[s.from:min(s.from+room, len(lines))]
	for len(lines) < room {
		lines = append(lines, "")
	}
	v := tea.NewView(strings.Join(append(lines, s.footer(width)), "\n"))
	v.AltScreen, v.WindowTitle = true, "sqlpool "+printable(s.view.Pool)
	return v
}

// plain is the view for something that is no terminal.
func (s *screen) plain() string {
	s.stacks = true
	return ansi.Strip(strings.Join(s.lines(plainWidth), "\n")) + "\n"
}

// lines is the whole view, each line cut to the width.
func (s *screen) lines(width int) []string {
	v := s.view
	var all []string
	add := func(format string, args ...any) {
		all = append(all, ansi.Truncate(fmt.Sprintf(format, args...), width, "…"))
	}
	title := func(text string) { add(""); add("%s", bold.Render(text)) }

	add("%s %s  %s  for %s", levels[v.Status.Level].Render("● "+v.Status.Level), bold.Render(printable(v.Pool)),
		faint.Render("database "+printable(v.Status.State)), length(v.At.Sub(v.Status.Since)))
	if s.failure != nil {
		add("%s", levels[debugui.Unhealthy].Render(fmt.Sprintf("! this is %s old: %s", length(s.now.Sub(s.at)), printable(s.failure.Error()))))
	}
	for _, reason := range v.Status.Reasons { // whole: what is behind the address is what matters
		for line := range strings.SplitSeq(ansi.Wrap(printable(reason), max(width-2, 1), ""), "\n") {
			add("  %s", line)
		}
	}
	if o := v.Outage; o != nil {
		add("  %s", printable(o.Text))
	}
	for _, step := range v.Status.Steps {
		for i, line := range strings.Split(ansi.Wrap(printable(step), max(width-4, 1), ""), "\n") {
			add("  %s %s", map[bool]string{true: "→", false: " "}[i == 0], line)
		}
	}

	g := v.Gauges
	add("")
	for _, row := range wrapCells(v, width) {
		add("%s", row)
	}
	add("%d of %d in use, %d idle, %d dialing, %d closing; %s", g.InUse, g.MaxConns, g.Idle, g.Dialing, g.Closing, waiting(g))
	s.charts(width, add)

	if l := v.Latency; l != nil {
		title(fmt.Sprintf("%-22s %9s %9s %9s %9s %9s", "last minute", "p50", "p90", "p99", "max", "count"))
		for _, row := range []struct {
			name string
			debugui.Quantiles
		}{{"wait for a connection", l.Acquire}, {"held", l.Held}, {"dial", l.Dial}} {
			if row.Count == 0 { // there is no figure, and 0 would be one
				add("%-22s %9s %9s %9s %9s %9s", row.name, "–", "–", "–", "–", "0")
				continue
			}
			add("%-22s %9s %9s %9s %9s %9s", row.name, milli(row.P50), milli(row.P90), milli(row.P99), milli(row.Max), thousands(int64(row.Count)))
		}
	}
	c := v.Counters
	add("%s, %s waited; %s timed out, %s refused, %s unavailable, %s given up; %s, %s failed",
		plural(c.Acquires, "acquire", "acquires"), count(c.Waits), count(c.Timeouts), count(c.Saturated), count(c.Unavailable), count(c.Canceled),
		plural(c.Dials, "dial", "dials"), count(c.DialErrors))

	s.holders(add, title)
	if len(v.Closes) > 0 {
		title("closed, by reason")
		var reasons []string
		for _, r := range v.Closes {
			reasons = append(reasons, fmt.Sprintf("%s %s", printable(r.Reason), count(r.Count)))
		}
		add("%s", strings.Join(reasons, ", "))
	}
	if len(v.Events) > 0 {
		title("events")
		for _, e := range v.Events {
			times := ""
			if e.Count > 1 {
				times = fmt.Sprintf(" ×%d", e.Count)
			}
			kind := strings.ReplaceAll(printable(e.Kind), "_", " ") + times
			if style, known := levels[e.Level]; known {
				kind = style.Render(kind)
			}
			which := ""
			if e.Conn > 0 && e.Count <= 1 {
				which = fmt.Sprintf("connection %d", e.Conn)
				if e.Text != "" {
					which += ": "
				}
			}
			add("%s  %s  %s%s", e.At.Local().Format(time.TimeOnly), kind, which, printable(e.Text))
		}
	}
	for _, a := range v.Advice {
		add("note: %s", printable(a))
	}
	if v.Process.PID != 0 {
		add("")
		add("%s", faint.Render(printable(v.Process.String())))
	}
	return all
}
