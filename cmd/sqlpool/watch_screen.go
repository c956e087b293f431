package main

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sqlpool/go/hooks/debugui"
)

// chartWidth is how many samples are kept for the charts.
const chartWidth = 240

// screen is the state of the terminal view: the last look, and what the keys have chosen.
type screen struct {
	page  *page
	every time.Duration
	shown string // the page's URL, without secrets

	view    *debugui.View
	at      time.Time // of the last look, by our clock
	now     time.Time
	failure error // of the last try, or nil
	samples []debugui.Sample

	stopped, stacks bool
	from            int // first line shown
	width, height   int
}

// looked is the outcome of one look.
type looked struct {
	view *debugui.View
	err  error
	at   time.Time
}

// tick is time for the next look.
type tick time.Time

// Init implements tea.Model.
func (s *screen) Init() tea.Cmd { return s.wait() }

func (s *screen) wait() tea.Cmd {
	return tea.Tick(s.every, func(t time.Time) tea.Msg { return tick(t) })
}

// look asks in the background. One look is under way at a time: the next one is waited for only after it.
func (s *screen) look() tea.Cmd {
	since := s.since()
	return func() tea.Msg {
		view, err := s.page.look(context.Background(), since) // bounded by the client
		return looked{view, err, time.Now()}
	}
}

// Update implements tea.Model.
func (s *screen) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch m := message.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height = m.Width, m.Height
	case tick:
		s.now = time.Time(m)
		if s.stopped {
			return s, s.wait()
		}
		return s, s.look()
	case looked:
		s.now = m.at
		if s.failure = m.err; m.err == nil {
			s.replace(m.view, m.at)
		}
		return s, s.wait()
	case tea.KeyPressMsg:
		return s, s.press(m.String())
	}
	return s, nil
}

func (s *screen) press(key string) tea.Cmd {
	switch key {
	case "q", "esc", "ctrl+c":
		return tea.Quit
	case "p", "space":
		s.stopped = !s.stopped
	case "s":
		s.stacks = !s.stacks
	case "down", "j":
		s.from++
	case "up", "k":
		s.from--
	case "pgdown":
		s.from += s.height / 2
	case "pgup":
		s.from -= s.height / 2
	case "home", "g":
		s.from = 0
	}
	return nil
}

// replace takes a new look. A program that was started anew begins its samples anew.
func (s *screen) replace(v *debugui.View, at time.Time) {
	if !v.Counters.CreatedAt.Equal(s.view.Counters.CreatedAt) {
		s.samples = nil
	}
	s.view, s.at = v, at
	s.remember(v.Samples)
}

func (s *screen) remember(more []debugui.Sample) {
	for _, sample := range more {
		if n := len(s.samples); n == 0 || sample.Seq > s.samples[n-1].Seq {
			s.samples = append(s.samples, sample)
		}
	}
	if extra := len(s.samples) - chartWidth; extra > 0 {
		s.samples = append(s.samples[:0], s.samples[extra:]...)
	}
}

// since is the last sample that is here, or 0 for all after a failure: the program may be another one by then.
func (s *screen) since() uint64 {
	if s.failure != nil || len(s.samples) == 0 {
		return 0
	}
	return s.samples[len(s.samples)-1].Seq
}
