package browsertest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// soon is what a viewer takes for at once.
const soon = 2 * time.Second

func TestAnOutageIsShownWithinTwoSeconds(t *testing.T) {
	s := stage(t, debugui.Config{}, sqlpool.Config{MaxConns: 6, MinIdle: 2, FailFastAfter: 2 * time.Second})
	s.work(t, 8)
	p := open(t, start(t), s.url, desktop)
	p.await(patience, "healthy at first", `document.getElementById("banner").dataset.level === "healthy"`)

	must(t, s.server.Stop(t.Context(), pgserver.Immediate))
	took := p.await(soon, "the outage", `document.getElementById("banner").dataset.level === "unhealthy"`)
	t.Logf("the outage was on the page after %v", took.Round(time.Millisecond))
	p.await(soon, "its reason", `/connect|dial|refused|starting up|shutting down/.test(document.getElementById("reasons").innerText)`)
	p.await(patience, "the circuit in the timeline", `document.getElementById("events").innerText.includes("retrying → down")`)
	p.await(patience, "failed dials in the timeline", `document.getElementById("events").innerText.includes("Dial failed ×")`)
	p.await(patience, "the time shaded in the charts", `document.querySelectorAll("#c1 .band").length === 1`)

	must(t, s.server.Start(t.Context()))
	p.await(patience, "the end of it", `document.getElementById("banner").dataset.level === "healthy"`)
	p.await(patience, "that in the timeline", `/→ up/.test(document.getElementById("events").innerText)`)
}

func TestALeakIsShownWithItsStack(t *testing.T) {
	s := stage(t, debugui.Config{}, sqlpool.Config{MaxConns: 4})
	tx := forgetful(t, s)
	p := open(t, start(t), s.url, desktop)
	p.await(patience, "the leak", `document.querySelector("#holders .leaked")`)
	row := p.text("#holders .leaked")
	for _, want := range []string{"held too long", "in a transaction", "UPDATE orders SET total = total + $1 WHERE id = $2", "forgetful", "scene_test.go:"} {
		if !strings.Contains(row, want) {
			t.Errorf("no %q in %q", want, row)
		}
	}
	p.await(soon, "its cell", `document.querySelector('.cell[data-state="leaked"]')`)
	p.await(soon, "the banner", `document.getElementById("banner").dataset.level === "degraded" && document.getElementById("reasons").innerText.includes("1 loan is held too long")`)

	// Unfolded, it stays so while the page refreshes.
	p.do(chromedp.Click(chromedp.CSS("#holders summary")))
	before := s.asked.Load()
	for s.asked.Load() < before+3 {
		pause(t.Context(), 50*time.Millisecond)
	}
	stack := p.text("#holders .stack")
	if !strings.Contains(stack, "browsertest_test.forgetful") || !strings.Contains(stack, "TestALeakIsShownWithItsStack") || !strings.Contains(stack, "page_test.go:") {
		t.Errorf("the stack: %q", stack)
	}
	copied := eval[string](p, `(() => { window.copied = ""; Object.defineProperty(navigator, "clipboard", {value: {writeText: async t => { window.copied = t; }}}); document.querySelector("#holders .copy").click(); return window.copied; })()`)
	if !strings.Contains(copied, "TestALeakIsShownWithItsStack") || !strings.Contains(copied, "last statement: UPDATE orders") {
		t.Errorf("copied: %q", copied)
	}
	must(t, tx.Rollback())
	p.await(patience, "its end", `!document.querySelector("#holders .leaked") && document.getElementById("banner").dataset.level === "healthy"`)
}
