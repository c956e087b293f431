package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"

	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// seen is a look at a pool in trouble.
func seen() *screen {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	v := &debugui.View{
		At: at, Pool: "orders",
		Status:   debugui.Status{Level: debugui.Degraded, State: "up", Since: at.Add(-90 * time.Second), Reasons: []string{"1 loans are held too long"}},
		Gauges:   debugui.Gauges{MaxConns: 8, Open: 4, Idle: 1, InUse: 2, Dialing: 1, Waiting: 3, OldestWaitMS: 1234},
		Counters: debugui.Counters{CreatedAt: at.Add(-time.Hour), Acquires: 1234567, Waits: 89, Timeouts: 1, Dials: 12, DialErrors: 2},
		Latency:  &debugui.Latency{Acquire: debugui.Quantiles{Count: 1000, P50: 0.05, P90: 0.9, P99: 12.3, Max: 1234}},
		Conns:    []debugui.Conn{{ID: 1, State: "leaked"}, {ID: 2, State: "in_use"}, {ID: 3, State: "idle"}},
		Holders: []debugui.Holder{
			{Conn: 1, HeldMS: 95_000, Leaked: true, InTransaction: true, Statement: "SELECT ?", Origin: "shop/order.go:12 (shop.list)",
				Stack: []debugui.Frame{{Function: "shop.list", File: "shop/order.go", Line: 12}}},
			{Conn: 2, HeldMS: 3, Statement: "INSERT INTO t\n\x1b]0;owned\x07VALUES (?)"},
		},
		Closes: []debugui.Closes{{Reason: "max_lifetime", Count: 7}},
		Events: []debugui.Event{{At: at, Kind: "dial_failed", Level: debugui.Unhealthy, Text: "connection refused", Count: 3}},
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
  1 loans are held too long

▲ ■ □ ◌
  ■ in use  ▲ leaked  □ idle  ◌ dialing
2 of 8 in use, 1 idle, 1 dialing, 0 closing; 3 wait, the first for 1.2 s
in use       ▂▃▄▅▆▇██ ▂▃▄▅▆▇██ ▂▃▄▅▆▇██ ▂▃ 2
waiting               ▅▅▅▅▅▅▅▅▅▅██████████ 2
loans        ▁▁▁▂▂▂▂▃▃▃▄▄▄▄▅▅▅▅▆▆▆▇▇▇▇████ 29/s
errors                                     0/s

last minute                  p50       p90       p99       max     count
wait for a connection      50 µs    900 µs     12 ms     1.2 s     1,000
held                           0         0         0         0         0
dial                           0         0         0         0         0
1,234,567 acquires, 89 waited; 1 timed out, 0 refused, 0 without a database, 0 …

holders, the longest first
1 min 35 s  connection 1, in a transaction, too long  SELECT ?
             shop/order.go:12 (shop.list)
   3.0 ms  connection 2  INSERT INTO t ·]0;owned·VALUES (?)

closed, by reason
max_lifetime 7

events
03:04:05  dial failed ×3  connection refused
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

// trimmed takes the blanks off the ends of lines, which nobody sees.
func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
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

// running is a pool with its page, as a program has it.
func running(t *testing.T, server *pgserver.Server) (*sqlpool.Pool, *httptest.Server) {
	t.Helper()
	connector, err := pgxv5.Connector(server.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	leaks := leak.New(leak.Config{})
	ui := debugui.New(debugui.Config{Leaks: leaks})
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: connector, Name: "orders", MaxConns: 4, MinIdle: 2, FailFastAfter: 500 * time.Millisecond,
		Hooks: []sqlpool.Hooks{leaks.Hooks(), ui.Hooks()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	mux := http.NewServeMux()
	mux.Handle(pagePath, ui.Handler())
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	if err := pool.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	return pool, web
}

func TestWatchOnce(t *testing.T) {
	pool, web := running(t, pgserver.Shared(t))
	loan, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = loan.Release() }()
	for _, url := range []string{web.URL, strings.TrimPrefix(web.URL, "http://") + pagePath} {
		status, stdout, stderr := start(t, nil, "watch", url)
		for _, want := range []string{"● healthy orders  database up", "1 of 4 in use", "holders, the longest first", "TestWatchOnce"} {
			if !strings.Contains(stdout, want) {
				t.Errorf("no %q in\n%s", want, stdout)
			}
		}
		if status != exitOK || stderr != "" {
			t.Errorf("status %d, standard error %q", status, stderr)
		}
	}
	status, stdout, stderr := start(t, nil, "watch", web.URL, "--json")
	if status != exitOK || stderr != "" || !strings.Contains(stdout, `"in_use": 1`) {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
}

func TestWatchRefuses(t *testing.T) {
	_, web := running(t, pgserver.Shared(t))
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch name, password, _ := r.BasicAuth(); {
		case r.URL.Path == "/guarded/" && (name != "me" || password != "hunter2") && r.Header.Get("Authorization") != "Bearer token":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/guarded/":
			http.Redirect(w, r, web.URL+pagePath+"?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
		case r.URL.Path == "/json":
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"status": 7}`))
		default:
			_, _ = w.Write([]byte("hello"))
		}
	}))
	t.Cleanup(other.Close)
	withPassword := strings.Replace(other.URL, "://", "://me:hunter2@", 1)
	for _, test := range []struct {
		args, want string
		status     int
	}{
		{"http://me:hunter2@127.0.0.1:1", "http://127.0.0.1:1/debug/sqlpool/ cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused", exitFailed},
		{other.URL, "is not the page of hooks/debugui", exitFailed},
		{other.URL + "/json", "is not the page of hooks/debugui", exitFailed},
		{other.URL + "/guarded/", "SQLPOOL_AUTHORIZATION", exitFailed},
		{withPassword + "/guarded/", "", exitOK},
		{"ftp://me:hunter2@h/", "the URL must be that of a page", exitUsage},
		{"http://me:hunter2@h:port/", "the URL cannot be read", exitUsage},
		{web.URL + " --every 1ms", "--every is 1ms", exitUsage},
		{"", "the URL must be that of a page", exitUsage},
	} {
		status, stdout, stderr := start(t, nil, append([]string{"watch"}, strings.Fields(test.args)...)...)
		if status != test.status || !strings.Contains(stderr, test.want) || strings.Contains(stdout+stderr, "hunter2") {
			t.Errorf("%s: status %d, %s%s", test.args, status, stdout, stderr)
		}
	}
	t.Setenv("SQLPOOL_AUTHORIZATION", "Bearer token")
	if status, _, stderr := start(t, nil, "watch", other.URL+"/guarded/"); status != exitOK {
		t.Errorf("with a token: status %d, %s", status, stderr)
	}
}

// On a terminal an outage is seen within two seconds, and the view goes on when the page does.
func TestWatchOnATerminal(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	pool, web := running(t, server)
	go func() { // a program at work: an idle pool sees an outage when it is next asked
		for {
			if loan, err := pool.Acquire(context.Background()); errors.Is(err, sqlpool.ErrClosed) {
				return
			} else if err == nil {
				_ = loan.Release()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(file, "watch", web.URL, "--every", "100ms")
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 100})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended, unless the test failed
		_ = terminal.Close()
	})
	shown := &locked{}
	go func() { // until the terminal is closed
		buffer := make([]byte, 4096)
		for {
			n, err := terminal.Read(buffer)
			_, _ = shown.Write(buffer[:n])
			if err != nil {
				return
			}
		}
	}()
	// The program draws what has changed; a new size makes it draw everything.
	columns := uint16(100)
	wait := func(text string) time.Duration {
		t.Helper()
		began := time.Now()
		for {
			before := len(shown.String())
			columns ^= 1
			if err := pty.Setsize(terminal, &pty.Winsize{Rows: 40, Cols: columns}); err != nil {
				t.Fatal(err)
			}
			for drawn := time.Now(); time.Since(drawn) < 200*time.Millisecond; time.Sleep(10 * time.Millisecond) {
				if strings.Contains(ansi.Strip(shown.String()[before:]), text) {
					return time.Since(began)
				}
			}
			if time.Since(began) > 30*time.Second {
				t.Fatalf("%q is not shown:\n%s", text, ansi.Strip(shown.String()[before:]))
			}
		}
	}
	wait("healthy orders")
	wait("q end")
	if err := server.Stop(t.Context(), pgserver.Immediate); err != nil {
		t.Fatal(err)
	}
	if took := wait("unhealthy"); took > 2*time.Second {
		t.Errorf("the outage was shown after %v", took)
	}
	web.Close()
	wait("cannot be reached")
	if _, err := terminal.WriteString("q"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("q does not end it")
	}
}
