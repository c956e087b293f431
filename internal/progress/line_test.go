package progress

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOnATerminalTheLineIsRedrawn(t *testing.T) {
	var buffer bytes.Buffer
	l := &Line{w: &buffer, isTTY: true}
	l.Show("one")
	l.Show("two")
	l.Clear()
	if got := buffer.String(); got != "\r\x1b[K\x1b[?7lone\x1b[?7h\r\x1b[K\x1b[?7ltwo\x1b[?7h\r\x1b[K" {
		t.Errorf("got %q", got)
	}
	if l.Every() != redraw {
		t.Errorf("drawn every %v", l.Every())
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

// The null device is a character device, as a terminal is.
func TestADumbTerminalGetsLines(t *testing.T) {
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = device.Close() }()
	t.Setenv("TERM", "xterm")
	if New(device).Every() != redraw {
		t.Error("a terminal would not be redrawn")
	}
	t.Setenv("TERM", "dumb")
	if New(device).Every() != plain {
		t.Error("a dumb terminal would be redrawn")
	}
}

func TestBar(t *testing.T) {
	for done, want := range map[float64]string{-1: "----", 0: "----", 0.5: "##--", 0.99: "####", 1: "####", 7: "####"} {
		if got := Bar(done, 4); got != want {
			t.Errorf("Bar(%v) is %s", done, got)
		}
	}
}
