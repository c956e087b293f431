package leak

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"time"
)

// The messages of Log, and its fields, are part of the interface: docs/logging.md.
const (
	MsgLeaked    = "loan held too long"
	MsgEndedLate = "loan ended late"
)

// Log returns what goes into Config.Report to log each leak, and its late end, as
// a warning. Constants that are written into the text of a statement are logged
// with it, unless Config.HideStatements is set.
func Log(logger *slog.Logger) func(Report) {
	return func(r Report) {
		msg := MsgLeaked
		if r.Returned {
			msg = MsgEndedLate
		}
		attrs := []slog.Attr{
			slog.String("pool", r.Pool), slog.Uint64("conn", r.Conn), slog.Float64("held_ms", float64(r.Held)/float64(time.Millisecond)),
			slog.Bool("in_transaction", r.InTransaction), slog.Bool("reclaimed", r.Reclaimed),
			slog.Float64("idle_ms", float64(r.Idle)/float64(time.Millisecond)),
		}
		if r.Backend.PID != 0 {
			attrs = append(attrs, slog.Uint64("pid", uint64(r.Backend.PID)))
		}
		if r.LastStatement != "" {
			attrs = append(attrs, slog.String("statement", r.LastStatement))
		}
		if stack := described(r.Stack); len(stack) > 0 {
			attrs = append(attrs, slog.String("acquired_by", stack[0]), slog.Any("stack", stack))
		}
		logger.LogAttrs(context.Background(), slog.LevelWarn, msg, attrs...)
	}
}

// described is a list, not a paragraph: a message of many lines is many messages
// to whatever collects them.
func described(stack []runtime.Frame) []string {
	all := make([]string, len(stack))
	for i, f := range stack {
		all[i] = fmt.Sprintf("%s %s:%d", f.Function, f.File, f.Line)
	}
	return all
}
