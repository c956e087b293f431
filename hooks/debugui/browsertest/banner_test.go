package browsertest_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// shown is what the banner says, and of which answer it is.
type shown struct {
	At, Level, Title string
	Reasons, Steps   []string
}

const banner = `(() => {
	const lines = id => [...document.querySelectorAll("#" + id + " li")].map(e => e.textContent);
	const b = document.getElementById("banner");
	return JSON.stringify({at: b.dataset.at, level: b.dataset.level, title: document.getElementById("level").textContent, reasons: lines("reasons"), steps: lines("steps")});
})()`

// An outage makes reasons come and go, and changes the numbers in them with each
// answer. At every step the banner has the lines of the answer it shows, and no
// line of an earlier one.
func TestTheBannerIsTheJSONAtEveryStepOfAnOutage(t *testing.T) {
	s := stage(t, debugui.Config{}, sqlpool.Config{MaxConns: 4, MinIdle: 1, AcquireTimeout: time.Second, FailFastAfter: 3 * time.Second})
	s.work(t, 12)
	p := open(t, start(t), s.url, desktop)
	p.await(patience, "healthy at first", `document.getElementById("banner").dataset.level === "healthy"`)

	var seen []string // levels, in order
	most := 0         // lines at once
	last := ""
	follow := func(what string, until func(shown) bool) {
		t.Helper()
		for end := time.Now().Add(patience); ; pause(t.Context(), 30*time.Millisecond) {
			var b shown
			must(t, json.Unmarshal([]byte(eval[string](p, banner)), &b))
			v, answered := s.answer(b.At)
			if !answered {
				if last != "" {
					t.Fatalf("the banner is of an answer (%s) that was never given", b.At)
				}
				continue // the state that the page came with
			}
			want := slices.Clone(v.Status.Reasons)
			if v.Outage != nil {
				want = append(want, v.Outage.Text)
			}
			if b.Level != v.Status.Level || !strings.EqualFold(b.Title, v.Status.Level) || !slices.Equal(b.Reasons, want) || !slices.Equal(b.Steps, v.Status.Steps) {
				t.Fatalf("the banner says\n  %s %q\n  %q\nand the JSON\n  %s %q\n  %q", b.Level, b.Reasons, b.Steps, v.Status.Level, want, v.Status.Steps)
			}
			if last = b.At; len(seen) == 0 || seen[len(seen)-1] != b.Level {
				seen = append(seen, b.Level)
			}
			most = max(most, len(b.Reasons))
			if until(b) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: not seen; the banner is %+v", what, b)
			}
		}
	}
	level := func(want string) func(shown) bool { return func(b shown) bool { return b.Level == want } }

	follow("healthy", level(debugui.Healthy))
	for _, lasts := range []time.Duration{0, 30 * time.Second} { // what a first outage leaves behind shows in the second
		must(t, s.server.Stop(t.Context(), pgserver.Immediate))
		follow("the outage", level(debugui.Unhealthy))
		// Callers give up, the circuit opens, the count of dials grows: answer by answer.
		answers := s.asked.Load()
		for end := time.Now().Add(lasts); time.Now().Before(end) || s.asked.Load() < answers+6; pause(t.Context(), 30*time.Millisecond) {
			follow("an answer", func(shown) bool { return true })
		}
		t.Logf("an outage of %v: %d answers", lasts, s.asked.Load()-answers)
		must(t, s.server.Start(t.Context()))
		follow("the end", func(b shown) bool { return b.Level != debugui.Unhealthy })
	}
	if !slices.Contains(seen, debugui.Unhealthy) || most < 2 {
		t.Errorf("the outage showed nothing: %q, at most %d lines", seen, most)
	}
}
