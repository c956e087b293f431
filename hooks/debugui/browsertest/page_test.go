package browsertest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

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

func TestControlsAreRefusedWithoutTheOption(t *testing.T) {
	s := stage(t, debugui.Config{}, sqlpool.Config{})
	p := open(t, start(t), s.url, desktop)
	if eval[bool](p, `document.getElementById("controls").checkVisibility()`) || !strings.Contains(p.text("#controls-off"), "debugui.Config.Controls") {
		t.Errorf("the controls are there, or the page does not say why not: %s", p.text("#controls-off"))
	}
	// A browser logs what is refused, so somebody else asks.
	response, err := http.Post(s.url, "application/json", strings.NewReader(`{"do":"pause"}`))
	must(t, err)
	defer func() { _ = response.Body.Close() }()
	var answer struct{ Message string }
	must(t, json.NewDecoder(response.Body).Decode(&answer))
	if response.StatusCode != http.StatusForbidden || !strings.Contains(answer.Message, "controls are off") || s.pool.Stats().Paused {
		t.Errorf("%d %s", response.StatusCode, answer.Message)
	}
}

func TestControls(t *testing.T) {
	s := stage(t, debugui.Config{Controls: true}, sqlpool.Config{MaxConns: 4, MinIdle: 2})
	p := open(t, start(t), s.url, desktop)
	p.do(chromedp.Click(chromedp.CSS("#pause")))
	p.await(soon, "the pause", `document.getElementById("banner").dataset.level === "paused"`)
	if !s.pool.Stats().Paused {
		t.Error("the pool is not paused")
	}
	p.do(chromedp.Click(chromedp.CSS("#pause")))
	p.await(soon, "the end of the pause", `document.getElementById("banner").dataset.level === "healthy"`)

	p.do(chromedp.SetValue(chromedp.CSS("#resize [name=max]"), "9"), chromedp.Click(chromedp.CSS("#resize button")))
	if n := s.pool.Stats().MaxConns; n != 4 {
		t.Errorf("resized to %d without being asked twice", n)
	}
	p.do(chromedp.Click(chromedp.CSS("#resize button")))
	p.await(soon, "room for nine", `document.querySelectorAll(".cell").length === 9`)
	if n := s.pool.Stats().MaxConns; n != 9 {
		t.Errorf("MaxConns is %d", n)
	}

	p.do(chromedp.SetValue(chromedp.CSS("#recycle [name=seconds]"), "0"), chromedp.Click(chromedp.CSS("#recycle button")), chromedp.Click(chromedp.CSS("#recycle button")))
	p.await(patience, "all recycled", `document.getElementById("closes").innerText.includes("recycled")`)

	p.do(chromedp.SetValue(chromedp.CSS("#resize [name=min]"), "5"), chromedp.SetValue(chromedp.CSS("#resize [name=max]"), "3"))
	// What makes no sense is said, and the browser's own complaint about the answer is no fault of the page's.
	p.quiet = true
	p.do(chromedp.Click(chromedp.CSS("#resize button")), chromedp.Click(chromedp.CSS("#resize button")))
	p.await(soon, "the refusal", `document.getElementById("said").classList.contains("bad") && document.getElementById("said").innerText.includes("must not exceed MaxConns")`)
}

// At 360 px nothing sticks out sideways, in good times and in bad ones.
func TestTheLayoutHolds(t *testing.T) {
	s := stage(t, debugui.Config{Controls: true}, sqlpool.Config{MaxConns: 40, MinIdle: 2, AcquireTimeout: time.Second, FailFastAfter: time.Second})
	forgetful(t, s)
	s.work(t, 60)
	b := start(t)
	pages := map[string]*tab{}
	for _, l := range []look{phone, {width: 320, height: 640, phone: true}, {width: 768, height: 900}, desktop, {width: 2560, height: 1200}} {
		pages[fmt.Sprintf("%d px", l.width)] = open(t, b, s.url, l)
	}
	pages["by night"] = open(t, b, s.url, night)
	fits := func(when string) {
		t.Helper()
		for name, p := range pages {
			call(p, page.BringToFront, cdp.Empty{})
			p.await(patience, "a leak", `document.querySelector("#holders .leaked, #banner[data-level=unhealthy]")`)
			eval[int](p, `(document.querySelectorAll("details").forEach(d => { d.open = true; }), 0)`)
			out := eval[string](p, `(() => {
				const width = document.documentElement.clientWidth;
				if (document.documentElement.scrollWidth > width) return "the page is " + document.documentElement.scrollWidth + " px wide";
				for (const e of document.querySelectorAll("main *, header *, footer *")) {
					const r = e.getBoundingClientRect();
					if (r.width && (r.right > width + 0.5 || r.left < -0.5) && !e.closest(".unseen, svg")) return e.tagName + "." + e.className + " ends at " + r.right + ": " + e.textContent.slice(0, 60);
				}
				return "";
			})()`)
			if out != "" {
				t.Errorf("%s, %s: %s", name, when, out)
			}
			if worst := eval[string](p, contrast); worst != "" {
				t.Errorf("%s, %s: hard to read: %s", name, when, worst)
			}
		}
	}
	fits("at work")
	must(t, s.server.Stop(t.Context(), pgserver.Immediate))
	for _, p := range pages {
		call(p, page.BringToFront, cdp.Empty{})
		p.await(patience, "the outage", `document.getElementById("banner").dataset.level === "unhealthy"`)
	}
	fits("in an outage")
}

func TestLightAndDark(t *testing.T) {
	s := stage(t, debugui.Config{}, sqlpool.Config{})
	b := start(t)
	light, dark := open(t, b, s.url, desktop), open(t, b, s.url, night)
	// The luminance of a colour as the browser computes it.
	const background = `(() => { const c = document.createElement("canvas").getContext("2d"); c.fillStyle = getComputedStyle(document.body).backgroundColor; c.fillRect(0, 0, 1, 1); const d = c.getImageData(0, 0, 1, 1).data; return Math.round((d[0] + d[1] + d[2]) / 3); })()`
	if l, d := eval[int](light, background), eval[int](dark, background); l < 220 || d > 50 {
		t.Errorf("the background is %d by day and %d by night", l, d)
	}
	for _, p := range []*tab{light, dark} {
		if worst := eval[string](p, contrast); worst != "" {
			t.Errorf("hard to read: %s", worst)
		}
	}
	// T goes from auto to light to dark, and the choice is kept.
	call(dark, page.BringToFront, cdp.Empty{})
	dark.do(chromedp.KeyEvent("t"))
	if d := eval[int](dark, background); d < 220 {
		t.Errorf("light was chosen: %d", d)
	}
	dark.do(chromedp.Reload())
	if d := eval[int](dark, background); d < 220 {
		t.Errorf("the choice was not kept: %d", d)
	}
}

// contrast names the texts whose contrast to what is behind them is below 4.5,
// the limit of WCAG 2.2, 1.4.3.
const contrast = `(() => {
	const ctx = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
	const rgb = colours => { ctx.clearRect(0, 0, 1, 1); for (const c of colours) { ctx.fillStyle = c; ctx.fillRect(0, 0, 1, 1); } return ctx.getImageData(0, 0, 1, 1).data; };
	const lum = d => [0, 1, 2].map(i => { const v = d[i] / 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
	const bad = [];
	for (const e of document.querySelectorAll("main *, header *, footer *")) {
		if (e.closest("svg") || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
		const behind = [];
		for (let p = e; p; p = p.parentElement) behind.unshift(getComputedStyle(p).backgroundColor);
		const back = lum(rgb(["#fff", ...behind])), front = lum(rgb(["#fff", ...behind, getComputedStyle(e).color]));
		const ratio = (Math.max(back, front) + .05) / (Math.min(back, front) + .05);
		if (ratio < 4.5) bad.push(e.textContent.slice(0, 30) + " " + ratio.toFixed(2));
	}
	return bad.slice(0, 5).join("; ");
})()`

func TestAHiddenTabAsksNothing(t *testing.T) {
	s := stage(t, debugui.Config{}, sqlpool.Config{})
	p := open(t, start(t), s.url, desktop)
	asks := func() {
		t.Helper()
		for before, end := s.asked.Load(), time.Now().Add(patience); s.asked.Load() < before+2; {
			if time.Now().After(end) {
				t.Fatal("the page asks nothing")
			}
			pause(t.Context(), 20*time.Millisecond)
		}
	}
	asks()
	_, err := chromedp.CallBrowser(p.ctx, target.CreateTarget, target.CreateTargetParams{URL: "about:blank"}) // before it, in the same window
	must(t, err)
	p.await(patience, "hidden", `document.hidden`)
	pause(t.Context(), 200*time.Millisecond) // a request that was under way
	before := s.asked.Load()
	pause(t.Context(), 3500*time.Millisecond)
	if n := s.asked.Load() - before; n > 0 {
		t.Errorf("the hidden tab asked %d times", n)
	}
	call(p, page.BringToFront, cdp.Empty{})
	asks()
}

func TestTheKeyboardIsEnough(t *testing.T) {
	s := stage(t, debugui.Config{Controls: true}, sqlpool.Config{MaxConns: 5, MinIdle: 3})
	p := open(t, start(t), s.url, desktop)
	const focused = `(e => (e.id || e.className || e.tagName) + (e.dataset.key ? " " + e.dataset.key : ""))(document.activeElement)`
	var order []string
	for range 12 {
		p.do(chromedp.KeyEvent(kb.Tab))
		order = append(order, eval[string](p, focused))
		if !eval[bool](p, `(s => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 || document.activeElement.className === "skip")(getComputedStyle(document.activeElement))`) {
			t.Errorf("nobody sees where %s has the focus", order[len(order)-1])
		}
	}
	want := "skip live chip chip theme cell 0"
	if got := strings.Join(order, " "); !strings.HasPrefix(got, want) || !strings.Contains(got, "pause") {
		t.Errorf("Tab goes %s; want %s … pause", got, want)
	}
	p.do(chromedp.Focus(chromedp.CSS(".cell")), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowLeft))
	if got := eval[string](p, focused); got != "cell 1" {
		t.Errorf("the arrows lead to %s", got)
	}
	if got := p.text("#inspector"); !strings.HasPrefix(got, "Connection ") {
		t.Errorf("about it: %q", got)
	}
	before := s.asked.Load()
	for s.asked.Load() < before+2 {
		pause(t.Context(), 20*time.Millisecond)
	}
	if got := eval[string](p, focused); got != "cell 1" {
		t.Errorf("after a refresh the focus is on %s", got)
	}
	p.do(chromedp.KeyEvent(kb.End))
	if got := eval[string](p, focused); got != "cell 4" {
		t.Errorf("End leads to %s", got)
	}
	p.do(chromedp.KeyEvent("l"))
	p.await(soon, "stopped", `document.getElementById("live").getAttribute("aria-pressed") === "false"`)
}

// Without an answer the page says so, and since when, and comes back by itself.
func TestAProgramThatIsGone(t *testing.T) {
	s := stage(t, debugui.Config{}, sqlpool.Config{})
	p := open(t, start(t), s.url, desktop)
	p.quiet = true // the browser complains, as it should
	s.gone.Store(true)
	p.await(10*time.Second, "no answer", `document.getElementById("live").innerText.includes("no answer since")`)
	s.gone.Store(false)
	p.await(10*time.Second, "live again", `document.getElementById("live").innerText.trim() === "live"`)
}
