package gotest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// One package of each kind: a test that passes, one that is skipped and one that fails; a build that fails; a test binary
// that ends without a word about its tests.
const events = `{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"TestGood"}
{"Action":"output","Package":"a","Test":"TestGood","Output":"well\n"}
{"Action":"pass","Package":"a","Test":"TestGood"}
{"Action":"skip","Package":"a","Test":"TestLater"}
{"Action":"output","Package":"a","Test":"TestBad","Output":"badly\n"}
{"Action":"fail","Package":"a","Test":"TestBad"}
{"Action":"fail","Package":"a"}
{"ImportPath":"b","Action":"build-output","Output":"b.go:1: no\n"}
{"ImportPath":"b","Action":"build-fail"}
{"Action":"fail","Package":"b","FailedBuild":"b"}
{"Action":"output","Package":"c","Output":"panic: here\n"}
{"Action":"fail","Package":"c"}
{"Action":"pass","Package":"d"}
`

func TestEventsAreCounted(t *testing.T) {
	var log bytes.Buffer
	r, err := read(strings.NewReader(events), &log)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Passed) != 1 || !r.Passed["a TestGood"] || len(r.Skipped) != 1 || len(r.Failed) != 3 ||
		!r.Failed["a TestBad"] || !r.Failed["b "] || !r.Failed["c "] ||
		len(r.Unbuilt) != 1 || !r.Unbuilt["b"] {
		t.Errorf("%+v", r)
	}
	if calm, _ := read(strings.NewReader(strings.ReplaceAll(events, "panic:", "I said panic:")), &bytes.Buffer{}); !r.Panicked || calm.Panicked {
		t.Errorf("panicked: %v, and %v without a panic", r.Panicked, calm.Panicked)
	}
	for _, want := range []string{"badly", "b.go:1", "panic: here"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "well") {
		t.Errorf("the log tells of what passed:\n%s", log.String())
	}
}

// A run whose time is over leaves none of its tests' processes behind.
func TestARunEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module endless\n",
		"endless_test.go": `package endless

import (
	"io"
	"net"
	"os"
	"testing"
)

func TestEndless(t *testing.T) {
	conn, err := net.Dial("tcp", os.Getenv("ENDLESS"))
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, conn)
}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	over := errors.New("the time is over")
	ended := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		cancel(over)
		if err == nil {
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			_, err = io.Copy(io.Discard, conn) // to the end of the process
		}
		ended <- err
	}()
	env := []string{"GOWORK=off", "GOFLAGS=", "ENDLESS=" + listener.Addr().String()}
	if _, err := Run(ctx, dir, env, "-vet=off", "."); !errors.Is(err, over) {
		t.Fatalf("%v, want the context's cause", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the test's process: %v", err)
	}
}
