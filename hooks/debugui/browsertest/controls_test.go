package browsertest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/sqlpool"
)

func TestControlsAreRefusedWithoutTheOption(t *testing.T) {
	s := stage(t, debugui.Config{}, sqlpool.Config{})
	p := open(t, start(t), s.url, desktop)
	if eval[bool](p, `document.getElementById("controls-card").checkVisibility()`) || !strings.Contains(p.text("#controls-off"), "debugui.Config.Controls") {
		t.Errorf("the controls are there, or the page does not say why not: %s", p.text("#controls-off"))
	}
	// A browser logs what is refused, so another client asks.
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
	if worst := eval[string](p, contrast); worst != "" {
		t.Errorf("hard to read: %s", worst)
	}
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
