package browsertest_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// TestScreenshots writes what make screenshots keeps under docs/images. It is
// skipped elsewhere: the pictures are for people.
func TestScreenshots(t *testing.T) {
	folder := os.Getenv("SQLPOOL_SCREENSHOTS")
	if folder == "" {
		t.Skip("no folder in SQLPOOL_SCREENSHOTS: make screenshots names one")
	}
	s := stage(t, debugui.Config{Controls: true}, sqlpool.Config{MaxConns: 12, MinIdle: 2, AcquireTimeout: 5 * time.Second, FailFastAfter: 4 * time.Second})
	b := start(t)
	s.work(t, 14)
	pages := map[string]*tab{"debugui-desktop": open(t, b, s.url, desktop), "debugui-dark": open(t, b, s.url, night), "debugui-phone": open(t, b, s.url, phone)}
	pause(t.Context(), 45*time.Second)
	tx := forgetful(t, s)
	s.work(t, 10)
	pause(t.Context(), 12*time.Second)
	for name, p := range pages {
		p.keep(filepath.Join(folder, name+".png"))
	}
	must(t, tx.Rollback())
	pause(t.Context(), 5*time.Second)
	must(t, s.server.Stop(t.Context(), pgserver.Immediate))
	pause(t.Context(), 9*time.Second)
	pages["debugui-desktop"].keep(filepath.Join(folder, "debugui-outage.png"))
	pages["debugui-phone"].keep(filepath.Join(folder, "debugui-phone-outage.png"))
	must(t, s.server.Start(t.Context()))
}

// TestScreenshotsOfALargePool is TestScreenshots with 200 connections.
func TestScreenshotsOfALargePool(t *testing.T) {
	folder := os.Getenv("SQLPOOL_SCREENSHOTS")
	if folder == "" {
		t.Skip("no folder in SQLPOOL_SCREENSHOTS: make screenshots names one")
	}
	s := stage(t, debugui.Config{}, sqlpool.Config{MaxConns: 200, MinIdle: 40})
	tx := forgetful(t, s)
	defer func() { _ = tx.Rollback() }()
	for range 120 {
		go func() { _, _ = s.db.ExecContext(t.Context(), "SELECT pg_sleep($1)", 120) }()
	}
	s.work(t, 10)
	p := open(t, start(t), s.url, desktop)
	pause(t.Context(), 15*time.Second)
	p.keep(filepath.Join(folder, "debugui-200.png"))
}

// keep writes a picture of the whole page.
func (p *tab) keep(file string) {
	p.t.Helper()
	call(p, page.BringToFront, cdp.Empty{})
	pause(p.t.Context(), 1500*time.Millisecond) // a tab in the background shows old news
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	must(p.t, err)
	must(p.t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(p.t, os.WriteFile(file, picture, 0o644))
}
