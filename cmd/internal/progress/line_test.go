package progress

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creack/pty"
)

func TestOnATerminalTheLineIsRedrawn(t *testing.T) {
	for _, test := range []struct {
		name    string
		columns uint16
		want    string
	}{
		{"wide", 80, "\rone äö\x1b[K\rtwo\x1b[K\r\x1b[K"},
		{"cut, one column free", 6, "\rone ä\x1b[K\rtwo\x1b[K\r\x1b[K"},
		{"does not tell", 0, "\rone äö\x1b[K\rtwo\x1b[K\r\x1b[K"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("TERM", "xterm")
			control, terminal, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = control.Close() }()
			if err := pty.Setsize(control, &pty.Winsize{Rows: 24, Cols: test.columns}); err != nil {
				t.Fatal(err)
			}
			l := New(terminal)
			l.Show("one äö")
			l.Show("two")
			l.Clear()
			got := make([]byte, len(test.want))
			if _, err := io.ReadFull(control, got); err != nil || string(got) != test.want {
				t.Errorf("got %q, %v", got, err)
			}
			if l.Every() != redraw {
				t.Errorf("drawn every %v", l.Every())
			}
			_ = terminal.Close()
		})
	}
}

func TestElsewhereLinesAreAdded(t *testing.T) {
	var buffer bytes.Buffer
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.Writer{&buffer, file} {
		l := New(w)
		synctest.Test(t, func(t *testing.T) {
			l.Show("one")
			for range 190 { // a bench's steps, in eight seconds
				time.Sleep(42 * time.Millisecond)
				l.Show("left out")
			}
			time.Sleep(plain)
			l.Show(strings.Repeat("x", 200))
			l.Clear()
		})
		if l.Every() != plain {
			t.Errorf("a line every %v", l.Every())
		}
	}
	written, err := os.ReadFile(file.Name())
	want := "one\n" + strings.Repeat("x", 200) + "\n"
	if err != nil || buffer.String() != want || string(written) != want {
		t.Errorf("got %q and %q, %v", buffer.String(), written, err)
	}
}

func TestADumbTerminalGetsLines(t *testing.T) {
	t.Setenv("TERM", "dumb")
	control, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = control.Close(), terminal.Close() }()
	if New(terminal).Every() != plain {
		t.Error("it would be redrawn")
	}
}

func TestBar(t *testing.T) {
	for done, want := range map[float64]string{-1: "----", 0: "----", 0.5: "##--", 0.99: "####", 1: "####", 7: "####"} {
		if got := Bar(done, 4); got != want {
			t.Errorf("Bar(%v) is %s", done, got)
		}
	}
}
