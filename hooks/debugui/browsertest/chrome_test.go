package browsertest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// patience bounds what a browser on a busy machine may take; no test is to come
// near it.
const patience = time.Minute

// program finds the browser where scripts/chromium puts it.
func program(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("SQLPOOL_CHROMIUM"); named != "" {
		return named
	}
	for _, name := range []string{
		"chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium here: run scripts/chromium, or name one in SQLPOOL_CHROMIUM")
	return ""
}

// start starts a browser for the test, without a history and without requests to
// other machines.
func start(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(program(t)), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("force-color-profile", "srgb"),
	)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	return ctx
}

// look is how the page is looked at.
type look struct {
	width, height int64
	dark, phone   bool
}

var (
	desktop = look{width: 1280, height: 900}
	night   = look{width: 1280, height: 900, dark: true}
	phone   = look{width: 360, height: 780, phone: true}
)

// tab is a page that is open. Whatever it complains about fails the test.
type tab struct {
	t   *testing.T
	ctx context.Context

	quiet bool // what it complains about is what the test is about
}

// open opens the page in a tab of its own.
func open(t *testing.T, b context.Context, url string, l look) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b)
	p := &tab{t: t, ctx: ctx}
	console := chromedp.Console(ctx)
	t.Cleanup(func() {
		time.AfterFunc(100*time.Millisecond, cancel) // ends the console, whose last words may be under way
		for m, err := range console {
			if err != nil {
				break
			}
			if m.IsException() || (m.Type == "error" || m.Type == "warning") && !p.quiet {
				t.Errorf("the page complains: %s %s", m, m.URL)
			}
		}
	})
	scheme, scale := "light", 1.5
	if l.dark {
		scheme = "dark"
	}
	if l.phone {
		scale = 2
	}
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: l.width, Height: l.height, DeviceScaleFactor: scale, Mobile: l.phone,
	})
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	p.do(chromedp.Navigate(url))
	return p
}

func call[P, R any](p *tab, command cdp.Command[P, R], params P) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_, err := chromedp.Call(ctx, command, params)
	must(p.t, err)
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	must(p.t, chromedp.Do(ctx, steps...))
}

// eval is the value of a script.
func eval[T any](p *tab, script string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	must(p.t, err)
	return value
}

// text is what the selected element says.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return eval[string](p, fmt.Sprintf("document.querySelector(%q)?.innerText ?? '(no such element)'", selector))
}

// await returns when the script is true, and fails the test after the limit.
func (p *tab) await(limit time.Duration, what, script string) (took time.Duration) {
	p.t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool]("!!("+script+")", chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(0)))
	if err != nil {
		p.t.Fatalf("%s: not within %v (%v); the page:\n%s", what, limit, err, p.text("body"))
	}
	return time.Since(start)
}
