package slogger

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/sqlpool/go/hooks/leak"
)

// Leaks returns what goes into leak.Config.Report to log each leak, and its
// late end, as a warning. Constants that are written into the text of a
// statement are logged with it, unless leak.Config.HideStatements is set.
func Leaks(logger *slog.Logger) func(leak.Report) {
	return func(r leak.Report) {
		msg := MsgLeaked
		if r.Returned {
			msg = MsgEndedLate
		}
		attrs := []slog.Attr{
			slog.String("pool", r.Pool), slog.Uint64("conn", r.Conn), milliseconds("held_ms", r.Held),
			slog.Bool("in_transaction", r.InTransaction), slog.Bool("reclaimed", r.Reclaimed),
		}
		if r.LastStatement != "" {
			attrs = append(attrs, slog.String("statement", r.LastStatement))
		}
		if len(r.Stack) > 0 {
			attrs = append(attrs, slog.String("acquired_by", place(r.Stack[0])), slog.Any("stack", places(r.Stack)))
		}
		logger.LogAttrs(context.Background(), slog.LevelWarn, msg, attrs...)
	}
}

// places is a list, not a paragraph: a message of many lines is many messages
// to whatever collects them.
func places(stack []runtime.Frame) []string {
	all := make([]string, len(stack))
	for i, f := range stack {
		all[i] = place(f)
	}
	return all
}

func place(f runtime.Frame) string { return fmt.Sprintf("%s %s:%d", f.Function, f.File, f.Line) }
