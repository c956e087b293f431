package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"

	"github.com/sqlpool/go/internal/pgserver"
)

// A signal ends watching also where it does not come from the terminal's keyboard.
func TestASignalEndsWatching(t *testing.T) {
	_, web := running(t, pgserver.Shared(t))
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			cmd := exec.Command(file, "watch", web.URL, "--every", "100ms")
			cmd.Env = append(os.Environ(), "TERM=xterm-256color")
			terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 100})
			if err != nil {
				t.Fatal(err)
			}
			drawn := make(chan struct{})
			go func() { // until the terminal is closed
				var shown strings.Builder
				buffer, told := make([]byte, 4096), false
				for {
					n, err := terminal.Read(buffer)
					shown.Write(buffer[:n])
					if !told && strings.Contains(ansi.Strip(shown.String()), "healthy orders") {
						told = true
						close(drawn)
					}
					if err != nil {
						return
					}
				}
			}()
			done := make(chan error, 1)
			go func() { done <- cmd.Wait() }()
			select {
			case <-drawn:
			case <-time.After(30 * time.Second):
				t.Error("nothing is drawn")
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Error(err)
			}
			select {
			case err := <-done:
				if err != nil { // a signal is how watching ends
					t.Errorf("%v: it ended with %v", signal, err)
				}
			case <-time.After(30 * time.Second):
				t.Errorf("%v does not end it", signal)
				_ = cmd.Process.Kill()
				<-done
			}
			_ = terminal.Close()
		}
	}
}
