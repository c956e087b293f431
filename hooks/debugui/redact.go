package debugui

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
)

// longest is how much of an error's text is shown.
const longest = 300

var (
	// A password may hold anything but a space, an @ among it.
	credentials = regexp.MustCompile(`://\S*@`)

	// Names as in connection strings, URL parameters and environments.
	secrets = regexp.MustCompile(`(?i)([\w-]*(?:passw|passphrase|passfile|pwd|secret|token|api_?key|credential)[\w-]*)(\s*[=:]\s*|\s+is\s+)('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s&;,]+)`)

	// The server quotes values of the statement in its messages, and names of
	// things, which are worth more than they give away.
	quoted = regexp.MustCompile(`(\w+) (?:"[^"]*"|'[^']*')|"[^"]*"?|'[^']*'`)
	names  = map[string]bool{"user": true, "role": true, "database": true, "host": true, "pool": true}

	panicked = regexp.MustCompile(`panicked: .*`)
)

// redactError is redact for an error, whose class may say more than its text.
func (u *UI) redactError(err error) string { return u.redact(err.Error()) }

// redact returns the text of an error without what could be a secret or a value.
func (u *UI) redact(text string) string {
	text = clean(text)
	text = credentials.ReplaceAllString(text, "://…@")
	text = secrets.ReplaceAllString(text, "$1$2…")
	text = panicked.ReplaceAllString(text, "panicked") // with anything
	text = quoted.ReplaceAllStringFunc(text, func(found string) string {
		word, rest, _ := strings.Cut(found, " ")
		switch {
		case strings.ContainsAny(word, `"'`):
			return "“…”"
		case names[word]:
			return word + " " + rest
		}
		return word + " “…”"
	})
	if u.cfg.Redact != nil {
		text = u.cfg.Redact(text)
	}
	return cut(text, longest)
}

// cause says why a connection was closed, as far as it is safe to: the errors of
// statements are among these reasons, and they may repeat an argument. What is
// left is the server's code or the operating system's word.
func cause(err error) string {
	var coded interface{ SQLState() string }
	var errno syscall.Errno
	var timeout net.Error
	switch {
	case errors.As(err, &coded):
		return "SQLSTATE " + cut(clean(coded.SQLState()), 5)
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the server ended the connection"
	case errors.Is(err, context.Canceled):
		return "a caller gave up"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.Is(err, net.ErrClosed):
		return "the connection was closed"
	}
	return ""
}
