package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// program builds the command once for all tests that run it as a process.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sqlpool-cmd-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "sqlpool")
	out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return file, nil
})

func TestMain(m *testing.M) {
	status := m.Run()
	if file, err := program(); err == nil {
		_ = os.RemoveAll(filepath.Dir(file))
	}
	os.Exit(status)
}

// assistant is a client of `sqlpool mcp` as a process.
type assistant struct {
	*sdk.ClientSession
	t              *testing.T
	cmd            *exec.Cmd
	stdin          io.Closer
	stdout, stderr *locked     // all that the process wrote
	updated        chan string // the resources that it said had changed
}

// serve runs `sqlpool mcp` and initializes a session with it.
func serve(t *testing.T, dsn string, args ...string) *assistant {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	a := &assistant{t: t, cmd: exec.Command(file, append([]string{"mcp"}, args...)...), stdout: &locked{}, stderr: &locked{}, updated: make(chan string, 100)}
	a.cmd.Env = append(os.Environ(), "DATABASE_URL="+dsn)
	a.cmd.Stderr = a.stderr
	stdin, err := a.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	a.stdin = stdin
	stdout, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = a.cmd.Process.Kill() // one that a test has ended is gone already
		if t.Failed() {
			t.Logf("standard error of sqlpool mcp:\n%s", a.stderr)
		}
	})
	transport := &sdk.IOTransport{Reader: io.NopCloser(io.TeeReader(stdout, a.stdout)), Writer: stdin}
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, &sdk.ClientOptions{
		ResourceUpdatedHandler: func(_ context.Context, r *sdk.ResourceUpdatedNotificationRequest) { a.updated <- r.Params.URI },
	})
	if a.ClientSession, err = client.Connect(t.Context(), transport, nil); err != nil {
		t.Fatalf("initialize: %v\n%s", err, a.stderr)
	}
	return a
}

// call calls a tool and reads its structured result into out.
func (a *assistant) call(tool string, arguments any, out any) (isError bool) {
	a.t.Helper()
	if arguments == nil {
		arguments = struct{}{}
	}
	result, err := a.CallTool(a.t.Context(), &sdk.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		a.t.Fatalf("%s: %v", tool, err)
	}
	structured, err := json.Marshal(result.StructuredContent)
	if err != nil {
		a.t.Fatal(err)
	}
	if err := json.Unmarshal(structured, out); err != nil {
		a.t.Fatalf("%s: %v in %s (%v)", tool, err, structured, result.Content)
	}
	// Clients that know no structured content read the same as text.
	if text, ok := result.Content[0].(*sdk.TextContent); !ok || !json.Valid([]byte(text.Text)) {
		a.t.Errorf("%s: the text is %v", tool, result.Content)
	}
	return result.IsError
}

// ask calls the query tool.
func (a *assistant) ask(sql string) (found answer) {
	a.t.Helper()
	isError := a.call("query", question{SQL: sql}, &found)
	if isError != (found.Error != nil) {
		a.t.Errorf("%s: isError is %v and the error %+v", sql, isError, found.Error)
	}
	return found
}

// health reads the resource.
func (a *assistant) health() (found struct {
	Status     string
	Reasons    []string
	LastError  string `json:"last_error"`
	Statistics poolStatistics
}) {
	a.t.Helper()
	result, err := a.ReadResource(a.t.Context(), &sdk.ReadResourceParams{URI: healthURI})
	if err != nil {
		a.t.Fatal(err)
	}
	if c := result.Contents[0]; c.URI != healthURI || c.MIMEType != "application/json" {
		a.t.Errorf("got %+v", c)
	}
	if err := json.Unmarshal([]byte(result.Contents[0].Text), &found); err != nil {
		a.t.Fatal(err)
	}
	return found
}

// until reads the resource until its status is the one that is waited for.
func (a *assistant) until(status string) {
	a.t.Helper()
	limit := time.After(time.Minute)
	for {
		found := a.health()
		if found.Status == status {
			return
		}
		select {
		case <-limit:
			a.t.Fatalf("the status is %+v, not %s", found, status)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// leave closes standard input, as clients do, and returns when the process has ended well.
func (a *assistant) leave() {
	a.t.Helper()
	_ = a.stdin.Close()
	done := make(chan error, 1)
	go func() { done <- a.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			a.t.Errorf("sqlpool mcp ended with %v", err)
		}
	case <-time.After(time.Minute):
		a.t.Error("sqlpool mcp did not end when its client left")
	}
	// Nothing but the protocol was on standard output.
	lines := bufio.NewScanner(strings.NewReader(a.stdout.String()))
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var message struct{ JSONRPC string }
		if err := json.Unmarshal(lines.Bytes(), &message); err != nil || message.JSONRPC != "2.0" {
			a.t.Errorf("on standard output: %q", lines.Text())
		}
	}
}

// locked is a buffer that a process writes and a test reads.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
