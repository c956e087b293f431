package browsertest_test

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

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

// On a telephone what is wrong and what to do first are on the first screen, above everything else.
func TestATelephoneSaysFirstWhatToDo(t *testing.T) {
	s := stage(t, debugui.Config{Controls: true}, sqlpool.Config{MaxConns: 40, MinIdle: 2, AcquireTimeout: time.Second, FailFastAfter: time.Second})
	forgetful(t, s)
	s.work(t, 60)
	p := open(t, start(t), s.url, phone)
	const order = `(() => {
		const box = e => e.getBoundingClientRect(), top = e => box(e).top + scrollY, end = e => box(e).bottom + scrollY;
		const parts = ["level", "reasons", "first", "figures"].map(id => document.getElementById(id));
		for (let i = 1; i < parts.length; i++) if (end(parts[i - 1]) > top(parts[i])) return parts[i].id + " is not below " + parts[i - 1].id;
		for (const c of document.querySelectorAll("main > .card")) if (c.checkVisibility() && top(c) < end(document.getElementById("figures"))) return c.id + " is above the banner's end";
		const steps = document.getElementById("steps");
		if (!steps.children.length) return "there are no steps";
		if (end(steps) > innerHeight) return "the steps end at " + end(steps) + " px of " + innerHeight;
		return "";
	})()`
	p.await(patience, "the leak", `document.querySelector("#holders .leaked") && document.querySelector("#steps li")`)
	if wrong := eval[string](p, order); wrong != "" {
		t.Errorf("with a leak: %s", wrong)
	}
	must(t, s.server.Stop(t.Context(), pgserver.Immediate))
	p.await(patience, "the outage", `document.getElementById("banner").dataset.level === "unhealthy" && document.querySelectorAll("#steps li").length > 1`)
	if wrong := eval[string](p, order); wrong != "" {
		t.Errorf("in an outage: %s", wrong)
	}
}

// A card that has nothing to show is not shown, or says so: of a pool that has just begun, and of one without the
// page's hooks, which has no percentiles.
func TestNoCardIsEmpty(t *testing.T) {
	b := start(t)
	hooked := stage(t, debugui.Config{}, sqlpool.Config{})
	bare := httptest.NewServer(debugui.Handler(hooked.pool, nil, nil, debugui.Config{}))
	t.Cleanup(bare.Close) // after the page that asks it is closed
	for name, url := range map[string]string{"just begun": hooked.url, "without hooks": bare.URL} {
		p := open(t, b, url, desktop)
		p.await(patience, "an answer", `document.getElementById("banner").dataset.at && document.getElementById("pool").textContent`)
		empty := eval[string](p, `[...document.querySelectorAll("main > .card")].filter(c => c.checkVisibility() &&
			![...c.children].some(e => !e.classList.contains("head") && e.checkVisibility() && (e.innerText.trim() || e.querySelector("svg *")))).map(c => c.innerText).join("; ")`)
		if empty != "" {
			t.Errorf("%s: %s", name, empty)
		}
		if shown := eval[bool](p, `document.getElementById("latency-card").checkVisibility()`); shown != (name == "just begun") {
			t.Errorf("%s: percentiles shown: %v", name, shown)
		}
		if eval[bool](p, `document.getElementById("closes-card").checkVisibility()`) {
			t.Errorf("%s: closes are shown, and there was none", name)
		}
	}
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
