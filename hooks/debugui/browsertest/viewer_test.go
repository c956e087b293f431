package browsertest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/sqlpool"
)

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
			t.Errorf("no outline shows that %s has the focus", order[len(order)-1])
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
