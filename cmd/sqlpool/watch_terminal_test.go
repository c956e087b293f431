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

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"

	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

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
		{other.URL + "/json", "/json is not the page of hooks/debugui: it has other JSON\n", exitFailed},
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
	shown, drawn := &locked{}, make(chan struct{}, 1)
	go func() { // until the terminal is closed
		buffer := make([]byte, 4096)
		for {
			n, err := terminal.Read(buffer)
			_, _ = shown.Write(buffer[:n])
			select {
			case drawn <- struct{}{}:
			default: // the last one was not received yet
			}
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
		patience := time.After(30 * time.Second)
		for {
			before := len(shown.String())
			columns ^= 1
			if err := pty.Setsize(terminal, &pty.Winsize{Rows: 40, Cols: columns}); err != nil {
				t.Fatal(err)
			}
			for again := time.After(200 * time.Millisecond); again != nil; {
				select {
				case <-drawn:
					if strings.Contains(ansi.Strip(shown.String()[before:]), text) {
						return time.Since(began)
					}
				case <-again:
					again = nil
				case <-patience:
					t.Fatalf("%q is not shown:\n%s", text, ansi.Strip(shown.String()[before:]))
				}
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
