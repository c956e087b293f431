// Package slogger logs what happens in a pool through log/slog. It writes to the given
// logger and nowhere else. docs/logging.md lists the messages and their fields, which
// do not change within a major version.
package slogger

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// The messages. Each has the field "pool"; see docs/logging.md for the others.
const (
	MsgOpened     = "connection opened"
	MsgOpenFailed = "connection failed to open"
	MsgAcquired   = "connection acquired"
	MsgReleased   = "connection released"
	MsgClosed     = "connection closed"
	MsgState      = "pool state changed"
	MsgSlow       = "statement took long"
)

// Options set what is logged at which level. The zero value is the default.
type Options struct {
	// Every is how often the same failure is logged; the failures in between are
	// counted in the field "suppressed". Default 10 s; negative logs all.
	Every time.Duration

	// Loans is the level of acquires and releases. Default slog.LevelDebug; nil
	// means the default.
	Loans slog.Leveler

	// Connections is the level of opens and closes that belong to normal
	// operation. Default slog.LevelDebug.
	Connections slog.Leveler

	// Slow is the time from which on a statement is logged as a warning, with its text
	// and the reading of its rows included; the same text once in Every. Zero logs
	// none, and statements then cost nothing. The record has the caller's context, for
	// handlers that add a trace's id.
	Slow time.Duration

	// HideStatements leaves the text out of the record of a slow statement: a program
	// may write values into it.
	HideStatements bool

	// Statements adds the text of the last statement to releases and closes.
	// Arguments are never logged.
	Statements bool
}

// Hooks returns hooks that log to logger, with the default options.
func Hooks(logger *slog.Logger) sqlpool.Hooks { return Options{}.Hooks(logger) }

// Hooks returns hooks that log to logger, for one pool: sqlpool.New panics for a second
// one.
func (o Options) Hooks(logger *slog.Logger) sqlpool.Hooks {
	if o.Loans == nil {
		o.Loans = slog.LevelDebug
	}
	if o.Connections == nil {
		o.Connections = slog.LevelDebug
	}
	if o.Every == 0 {
		o.Every = 10 * time.Second
	}
	w := &writer{Options: o, logger: logger, repeats: repeats{every: o.Every}}
	h := sqlpool.Hooks{
		OnStart:   w.start,
		OnOpen:    w.opened,
		OnAcquire: w.acquired,
		OnRelease: w.released,
		OnClose:   w.closed,
		OnState:   w.state,
	}
	if o.Slow > 0 {
		h.OnStatement = w.executing
	}
	return h
}

type writer struct {
	Options
	logger  *slog.Logger
	started atomic.Bool
	pool    string // set before anything else happens
	repeats repeats
}

func (w *writer) start(p *sqlpool.Pool) {
	if !w.started.CompareAndSwap(false, true) {
		panic("slogger: these hooks serve another pool already; call Hooks for each")
	}
	w.pool = p.Name()
}

func (w *writer) enabled(level slog.Leveler) bool {
	return w.logger.Enabled(context.Background(), level.Level())
}

func (w *writer) log(level slog.Leveler, msg string, attrs ...slog.Attr) {
	attrs = append([]slog.Attr{slog.String("pool", w.pool)}, attrs...)
	w.logger.LogAttrs(context.Background(), level.Level(), msg, attrs...)
}

func (w *writer) opened(e sqlpool.Opened) {
	if e.Err == nil {
		if w.enabled(w.Connections) {
			w.log(w.Connections, MsgOpened, slog.Uint64("conn", e.Conn.ID()), milliseconds("took_ms", e.Took))
		}
		return
	}
	if errors.Is(e.Err, context.Canceled) {
		return // the pool's own shutdown
	}
	text := e.Err.Error()
	if suppressed, ok := w.repeats.allow(MsgOpenFailed + text); ok {
		w.log(slog.LevelWarn, MsgOpenFailed, milliseconds("took_ms", e.Took),
			slog.String("error", text), slog.Int("suppressed", suppressed))
	}
}

func (w *writer) acquired(e sqlpool.Acquired) {
	if w.enabled(w.Loans) {
		w.log(w.Loans, MsgAcquired, slog.Uint64("conn", e.Conn.ID()), milliseconds("waited_ms", e.Waited))
	}
}

func (w *writer) released(e sqlpool.Released) {
	if !w.enabled(w.Loans) {
		return
	}
	attrs := []slog.Attr{slog.Uint64("conn", e.Conn.ID()), milliseconds("held_ms", e.Held)}
	if e.Reason != nil {
		attrs = append(attrs, slog.String("reason", sqlpool.ReasonCode(e.Reason)))
	}
	w.log(w.Loans, MsgReleased, w.statement(e.Conn, attrs)...)
}

// closed logs a close: as a warning when something went wrong with the
// connection, and then not more often than Every for the same cause.
func (w *writer) closed(e sqlpool.Closed) {
	code := sqlpool.ReasonCode(e.Reason)
	level, suppressed := w.Connections, 0
	if abnormal(code) {
		var ok bool
		if suppressed, ok = w.repeats.allow(MsgClosed + e.Reason.Error()); !ok {
			return
		}
		level = slog.LevelWarn
	} else if !w.enabled(level) {
		return
	}
	w.log(level, MsgClosed, w.statement(e.Conn, []slog.Attr{
		slog.Uint64("conn", e.Conn.ID()), slog.String("reason", code), slog.String("error", e.Reason.Error()),
		milliseconds("age_ms", e.Age), milliseconds("took_ms", e.Took),
		slog.Uint64("uses", e.Conn.Uses()), slog.Int("suppressed", suppressed),
	})...)
}

func abnormal(code string) bool {
	switch code {
	case sqlpool.CodeBroken, sqlpool.CodeDead, sqlpool.CodeDirty, sqlpool.CodeForced, sqlpool.CodeReadOnly,
		sqlpool.CodeAbandoned, sqlpool.CodePinned, sqlpool.CodeHookPanic:
		return true
	}
	return false
}

func (w *writer) state(e sqlpool.StateChanged) {
	level := slog.LevelInfo
	attrs := []slog.Attr{slog.String("from", e.From.String()), slog.String("to", e.To.String())}
	switch e.To {
	case sqlpool.StateRetrying:
		level = slog.LevelWarn
	case sqlpool.StateDown:
		level = slog.LevelError
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	w.log(level, MsgState, attrs...)
}

func (w *writer) executing(ctx context.Context, e *sqlpool.Executing) func(sqlpool.Executed) {
	op, text := e.Op, e.Text
	return func(e sqlpool.Executed) {
		if e.Took >= w.Slow {
			w.slow(ctx, op, text, e)
		}
	}
}

func (w *writer) slow(ctx context.Context, op sqlpool.Op, text string, e sqlpool.Executed) {
	suppressed, ok := w.repeats.allow(MsgSlow + text)
	if !ok {
		return
	}
	attrs := []slog.Attr{
		slog.String("pool", w.pool), slog.String("op", string(op)), milliseconds("took_ms", e.Took),
		milliseconds("answered_ms", e.Answered), milliseconds("waited_ms", e.Waited), slog.Int("suppressed", suppressed),
	}
	if e.Conn != nil {
		attrs = append(attrs, slog.Uint64("conn", e.Conn.ID()))
		if pid := e.Conn.Backend().PID; pid != 0 {
			attrs = append(attrs, slog.Uint64("pid", uint64(pid)))
		}
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	if !w.HideStatements && text != "" {
		attrs = append(attrs, slog.String("statement", text))
	}
	w.logger.LogAttrs(ctx, slog.LevelWarn, MsgSlow, attrs...)
}

func (w *writer) statement(c *sqlpool.ConnRef, attrs []slog.Attr) []slog.Attr {
	if !w.Statements {
		return attrs
	}
	return append(attrs, slog.String("statement", c.LastStatement(c.Loans())))
}

func milliseconds(key string, d time.Duration) slog.Attr {
	return slog.Float64(key, float64(d)/float64(time.Millisecond))
}
