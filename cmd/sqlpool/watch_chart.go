package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/sqlpool/go/hooks/debugui"
)

// wrapCells is one cell for each connection, and what the shapes mean.
func wrapCells(v *debugui.View, width int) (rows []string) {
	states := make([]string, 0, len(v.Conns)+v.Gauges.Dialing)
	seen := map[string]int{}
	for _, c := range v.Conns {
		states = append(states, c.State)
	}
	for range v.Gauges.Dialing {
		states = append(states, "dialing")
	}
	var row strings.Builder
	for i, state := range states {
		cell, known := cells[state]
		if !known {
			cell.shape = "?"
		}
		seen[state]++
		row.WriteString(cell.style.Render(cell.shape) + " ")
		if (i+1)%max(width/2, 1) == 0 {
			rows = append(rows, row.String())
			row.Reset()
		}
	}
	if row.Len() > 0 {
		rows = append(rows, row.String())
	}
	var legend []string
	for _, state := range cellOrder {
		if seen[state] > 0 {
			legend = append(legend, fmt.Sprintf("%s %s", cells[state].style.Render(cells[state].shape), strings.ReplaceAll(state, "_", " ")))
		}
	}
	if len(legend) > 0 {
		rows = append(rows, faint.Render("  ")+strings.Join(legend, "  "))
	}
	return rows
}

// charts are the last samples as lines of blocks, each scaled to its own maximum but the first, whose maximum is the
// pool's.
func (s *screen) charts(width int, add func(string, ...any)) {
	const label, figures = 12, 14
	room := width - label - figures
	if room < 10 || len(s.samples) < 2 {
		return
	}
	shown := s.samples[max(len(s.samples)-room, 0):]
	for _, chart := range []struct {
		name string
		of   func(debugui.Sample) float64
		max  float64
		unit string
	}{
		{"in use", func(p debugui.Sample) float64 { return float64(p.InUse) }, float64(s.view.Gauges.MaxConns), ""},
		{"waiting", func(p debugui.Sample) float64 { return float64(p.Waiting) }, 0, ""},
		{"loans", func(p debugui.Sample) float64 { return p.Loans }, 0, "/s"},
		{"errors", func(p debugui.Sample) float64 { return p.Errors }, 0, "/s"},
	} {
		top := chart.max
		for _, p := range shown {
			top = max(top, chart.of(p))
		}
		var line strings.Builder
		for _, p := range shown {
			line.WriteRune(block(chart.of(p), top))
		}
		last := chart.of(shown[len(shown)-1])
		add("%-*s%s %s", label, chart.name, line.String(), fmt.Sprintf("%s%s", thousands(int64(last+0.5)), chart.unit))
	}
}

// block is a value's height in eighths. Nothing is a space, and the least something is seen.
func block(value, top float64) rune {
	const blocks = "▁▂▃▄▅▆▇█"
	if value <= 0 || top <= 0 {
		return ' '
	}
	return []rune(blocks)[min(int(value/top*8), 7)]
}

func waiting(g debugui.Gauges) string {
	if g.Waiting == 0 {
		return "no acquire waits"
	}
	return fmt.Sprintf("%s, longest %s", plural(uint64(g.Waiting), "acquire waits", "acquires wait"), milli(g.OldestWaitMS))
}

// plural is a number with its noun.
func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

func count(n uint64) string { return thousands(int64(n)) }

func milli(ms float64) string { return length(time.Duration(ms * float64(time.Millisecond))) }

// length is a duration as people read it: two figures that matter.
func length(d time.Duration) string {
	switch {
	case d <= 0:
		return "0"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
