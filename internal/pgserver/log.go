//go:build unix

package pgserver

import (
	"bufio"
	"context"
	"io"
	"strconv"
	"strings"
	"sync"
)

// logPrefix starts every message (a message's further lines start with a tab); parseEntry takes it apart.
const logPrefix = "@%p\t%d\t%a\t"

// markMessage, followed by a number, is what mark makes the server write.
const markMessage = "sqlpool mark "

// keptEntries bounds the log's memory. The statements that LogStatements writes are what fills it.
const keptEntries = 200_000

// Entry is one message of the server's log.
type Entry struct {
	PID         int    // 0 if the server said it before it had read its settings
	Database    string // of the session, empty for the server's own processes
	Application string
	Severity    string // LOG, WARNING, ERROR, FATAL, PANIC; STATEMENT, DETAIL, HINT for what belongs to the entry before
	Message     string
}

// serverLog is what the server has said, over all its starts.
type serverLog struct {
	mu sync.Mutex
	// entries[i] is message number first+i since the server was created: numbers stay valid when old entries go.
	entries []Entry
	first   int
	// ready is what the server last said about itself. A method that kills a process sets it to false under mu together with
	// the kill, so that a word of the previous process is not taken for one of the next.
	ready    bool
	marked   int // the last mark seen
	sessions sessionBook
	// changed is closed at the next entry, and nil while no goroutine waits for it.
	changed chan struct{}
}

// read takes in one postmaster's log until its last process is gone.
func (l *serverLog) read(from io.Reader) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			l.add(line)
		}
		if err != nil {
			return
		}
	}
}

func (l *serverLog) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if more, ok := strings.CutPrefix(line, "\t"); ok && len(l.entries) > 0 {
		l.entries[len(l.entries)-1].Message += "\n" + more
		return
	}
	if len(l.entries) >= keptEntries {
		l.first += keptEntries / 2
		l.entries = append([]Entry(nil), l.entries[keptEntries/2:]...)
	}
	e := parseEntry(line)
	l.entries = append(l.entries, e)
	l.followLocked(e)
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// followLocked draws the conclusions that waiters wait for.
func (l *serverLog) followLocked(e Entry) {
	l.sessions.follow(l.first+len(l.entries)-1, e)
	if e.Severity != "LOG" {
		return
	}
	switch {
	case strings.HasPrefix(e.Message, "database system is ready to accept"):
		l.ready = true
	case strings.HasPrefix(e.Message, "all server processes terminated; reinitializing"),
		strings.HasPrefix(e.Message, "database system is shut down"):
		l.ready = false
	case strings.HasPrefix(e.Message, markMessage):
		if n, err := strconv.Atoi(e.Message[len(markMessage):]); err == nil {
			l.marked = max(l.marked, n)
		}
	}
}

func parseEntry(line string) Entry {
	parts := strings.SplitN(line, "\t", 4)
	if len(parts) < 4 || !strings.HasPrefix(line, "@") {
		return Entry{Message: line}
	}
	e := Entry{Database: known(parts[1]), Application: known(parts[2])}
	e.PID, _ = strconv.Atoi(parts[0][1:])
	e.Severity, e.Message, _ = strings.Cut(parts[3], ":  ")
	return e
}

// known undoes the server's word for an empty value.
func known(value string) string {
	if value == "[unknown]" {
		return ""
	}
	return value
}

// wait returns when holds, called with the lock held, says true.
func (l *serverLog) wait(ctx context.Context, gone <-chan struct{}, holds func() bool) error {
	for {
		l.mu.Lock()
		if holds() {
			l.mu.Unlock()
			return nil
		}
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
		case <-gone:
			return errGone
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// since returns a copy of the entries from number from on.
func (l *serverLog) since(from int) []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Entry(nil), l.entries[max(0, from-l.first):]...)
}

func (l *serverLog) next() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first + len(l.entries)
}
