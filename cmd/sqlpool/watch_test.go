package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/hooks/health"
)

// seen is a look at a pool in trouble.
func seen() *screen {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	v := &debugui.View{
		At: at, Pool: "orders",
		Status:   debugui.Status{Level: debugui.Degraded, State: "up", Since: at.Add(-90 * time.Second), Reasons: []string{"1 loan is held too long"}, Steps: []string{"Connection 1 was acquired by shop/order.go:12 (shop.list) and is not used: find out why it is not given back."}},
		Gauges:   debugui.Gauges{MaxConns: 8, Open: 4, Idle: 1, InUse: 2, Dialing: 1, Waiting: 3, OldestWaitMS: 1234},
		Counters: debugui.Counters{CreatedAt: at.Add(-time.Hour), Acquires: 1234567, Waits: 89, Timeouts: 1, Dials: 12, DialErrors: 2},
		Latency:  &debugui.Latency{Acquire: debugui.Quantiles{Count: 1000, P50: 0.05, P90: 0.9, P99: 12.3, Max: 1234}},
		Conns:    []debugui.Conn{{ID: 1, State: "leaked"}, {ID: 2, State: "in_use"}, {ID: 3, State: "idle"}},
		Holders: []debugui.Holder{
			{Conn: 1, HeldMS: 95_000, Leaked: true, PID: 4711, Server: "10.0.0.5:5432", Role: "primary", Activity: "idle in hand", IdleMS: 94_000, InTransaction: true, Statement: "SELECT ?", Origin: "shop/order.go:12 (shop.list)",
				Stack: []debugui.Frame{{Function: "shop.list", File: "shop/order.go", Line: 12}}},
			{Conn: 2, HeldMS: 3, Activity: "running", Statement: "INSERT INTO t\n\x1b]0;owned\x07VALUES (?)"},
		},
		Closes: []debugui.Closes{{Reason: "max_lifetime", Count: 7}},
		Events: []debugui.Event{{At: at, Kind: "dial_failed", Level: debugui.Unhealthy, Text: "connection refused", Count: 3}, {At: at, Kind: "leak", Level: debugui.Healthy, Text: "no longer held", Conn: 3, Count: 1}},
		Advice: []string{"MinIdle is 0"},
	}
	s := &screen{view: v, at: at, now: at, shown: "http://h/debug/sqlpool/", every: time.Second}
	for i := range 30 {
		s.samples = append(s.samples, debugui.Sample{Seq: uint64(i + 1), InUse: i % 9, Waiting: i / 10, Loans: float64(i)})
	}
	return s
}

func TestTheViewOfAPool(t *testing.T) {
	s := seen()
	want := `● degraded orders  database up  for 1 min 30 s
  1 loan is held too long
  → Connection 1 was acquired by shop/order.go:12 (shop.list) and is not used:
    find out why it is not given back.

▲ ■ □ ◌
  ■ in use  ▲ leaked  □ idle  ◌ dialing
2 of 8 in use, 1 idle, 1 dialing, 0 closing; 3 acquires wait, longest 1.2 s
in use       ▂▃▄▅▆▇██ ▂▃▄▅▆▇██ ▂▃▄▅▆▇██ ▂▃ 2
waiting               ▅▅▅▅▅▅▅▅▅▅██████████ 2
loans        ▁▁▁▂▂▂▂▃▃▃▄▄▄▄▅▅▅▅▆▆▆▇▇▇▇████ 29/s
errors                                     0/s

last minute                  p50       p90       p99       max     count
wait for a connection      50 µs    900 µs     12 ms     1.2 s     1,000
held                           –         –         –         –         0
dial                           –         –         –         –         0
1,234,567 acquires, 89 waited; 1 timed out, 0 refused, 0 unavailable, 0 given u…

holders, the longest first
1 min 35 s  connection 1, too long, pid 4711, idle in hand for 1 min 34 s, in a…
             on 10.0.0.5:5432, primary
             SELECT ?
             shop/order.go:12 (shop.list)
   3.0 ms  connection 2, running
             INSERT INTO t ·]0;owned·VALUES (?)

closed, by reason
max_lifetime 7

events
03:04:05  dial failed ×3  connection refused
03:04:05  leak  connection 3: no longer held
note: MinIdle is 0`
	got := ansi.Strip(strings.Join(s.lines(80), "\n"))
	if trimmed(got) != want {
		t.Errorf("got\n%s\nwant\n%s", trimmed(got), want)
	}
	for _, width := range []int{1, 20, 40, 79, 200} {
		for _, line := range s.lines(width) {
			if ansi.StringWidth(line) > width {
				t.Errorf("wider than %d: %q", width, line)
			}
		}
	}
	if plain := s.plain(); strings.Contains(plain, "\x1b") || !strings.Contains(plain, "                 shop/order.go:12\n") {
		t.Errorf("without a terminal:\n%s", plain)
	}
}

// trimmed removes the blanks at the ends of lines, which are invisible.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// A pause is told in the words of the page, of health and of the error of an acquire.
func TestTheViewOfAPausedPool(t *testing.T) {
	s := seen()
	s.view.Status.Level, s.view.Status.Reasons = debugui.Paused, []string{health.ReasonPaused}
	if shown := s.plain(); !strings.HasPrefix(shown, "● paused orders") || !strings.Contains(shown, "\n  "+health.ReasonPaused+"\n") {
		t.Errorf("%s", shown)
	}
}

func TestTheKeysOfTheView(t *testing.T) {
	s := seen()
	press := func(code rune) tea.Cmd {
		_, command := s.Update(tea.KeyPressMsg{Code: code, Text: string(code)})
		return command
	}
	s.Update(tea.WindowSizeMsg{Width: 60, Height: 10})
	if shown := s.View(); !shown.AltScreen || strings.Count(shown.Content, "\n") != 9 {
		t.Errorf("not ten lines: %q", shown.Content)
	}
	for range 100 {
		s.Update(tea.KeyPressMsg{Code: tea.KeyDown})
	}
	if content := ansi.Strip(s.View().Content); !strings.Contains(content, "note: MinIdle is 0") || strings.Contains(content, "degraded") {
		t.Errorf("at its end:\n%s", content)
	}
	press('g')
	if content := ansi.Strip(s.View().Content); !strings.HasPrefix(content, "● degraded") {
		t.Errorf("at its beginning:\n%s", content)
	}
	press('s')
	s.Update(tea.WindowSizeMsg{Width: 80, Height: 60})
	if content := ansi.Strip(s.View().Content); !strings.Contains(content, "                 shop/order.go:12") {
		t.Errorf("with stacks:\n%s", content)
	}
	press('p')
	if content := ansi.Strip(s.View().Content); !strings.Contains(content, "p go on") || !s.stopped {
		t.Errorf("stopped:\n%s", content)
	}
	s.Update(looked{err: errors.New("refused\x1b[2J"), at: s.at.Add(7 * time.Second)})
	if content := s.View().Content; !strings.Contains(ansi.Strip(content), "! this is 7.0 s old: refused·[2J") || strings.Contains(content, "\x1b[2J") {
		t.Errorf("after a failure:\n%q", content)
	}
	if s.since() != 0 {
		t.Error("after a failure not all samples are asked for")
	}
	if command := press('q'); command == nil || command() != tea.Quit() {
		t.Error("q does not end it")
	}
}

// A program that was started anew begins its samples anew.
func TestANewProgramIsSeen(t *testing.T) {
	s := seen()
	anew := *s.view
	anew.Counters.CreatedAt = anew.Counters.CreatedAt.Add(time.Minute)
	anew.Samples = []debugui.Sample{{Seq: 1}, {Seq: 2}}
	s.Update(looked{view: &anew, at: s.at})
	if len(s.samples) != 2 {
		t.Errorf("%d samples", len(s.samples))
	}
	anew.Samples = make([]debugui.Sample, 500)
	for i := range anew.Samples {
		anew.Samples[i].Seq = uint64(i + 1)
	}
	s.Update(looked{view: &anew, at: s.at})
	if len(s.samples) != chartWidth || s.since() != 500 {
		t.Errorf("%d samples, the last is %d", len(s.samples), s.since())
	}
}
