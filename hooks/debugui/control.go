package debugui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/sqlpool"
)

const (
	biggestCommand = 1 << 10
	longestRecycle = time.Hour
)

// command is what the page posts.
type command struct {
	Do       string  `json:"do"` // pause, resume, recycle or resize
	MaxConns int     `json:"max_conns"`
	MinIdle  int     `json:"min_idle"`
	Seconds  float64 `json:"seconds"` // over which to recycle
}

// answer is what it gets.
type answer struct {
	OK      bool   `json:"ok"`
	Message string `json:"message"`
}

// sameOrigin refuses what a foreign web page has a browser send, by the headers
// that no page can forge. Programs, which send none of them, pass: they carry no
// operator's cookies.
var sameOrigin = http.NewCrossOriginProtection()

// control does what a POST asks for. The order matters: a refusal says nothing
// about the pool.
func (u *UI) control(w http.ResponseWriter, r *http.Request, pool *sqlpool.Pool) {
	// A form can be sent across origins without asking, but not with this type.
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case !u.cfg.Controls:
		reply(w, http.StatusForbidden, "controls are off: the program turns them on with debugui.Config.Controls")
		return
	case sameOrigin.Check(r) != nil:
		reply(w, http.StatusForbidden, "this request comes from another site")
		return
	case kind != "application/json":
		reply(w, http.StatusUnsupportedMediaType, "send application/json")
		return
	}
	var c command
	decoder := json.NewDecoder(io.LimitReader(r.Body, biggestCommand))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		reply(w, http.StatusBadRequest, `send for example {"do":"pause"}, {"do":"resume"}, {"do":"recycle","seconds":60} or {"do":"resize","max_conns":20,"min_idle":2}`)
		return
	}
	message, err := u.do(pool, c)
	u.logControl(r, pool, c, err)
	if err != nil {
		reply(w, http.StatusConflict, err.Error())
		return
	}
	u.sample(time.Now()) // so that the page sees what it has done at once
	reply(w, http.StatusOK, message)
}

// logControl leaves a trace of who has done what: at least the address of the client, or of a proxy before it.
func (u *UI) logControl(r *http.Request, pool *sqlpool.Pool, c command, err error) {
	attrs := []slog.Attr{slog.String("pool", pool.Name()), slog.String("control", c.Do), slog.String("from", r.RemoteAddr)}
	switch c.Do {
	case "resize":
		attrs = append(attrs, slog.Int("max_conns", c.MaxConns), slog.Int("min_idle", c.MinIdle))
	case "recycle":
		attrs = append(attrs, slog.Float64("seconds", c.Seconds))
	}
	level, text := slog.LevelInfo, "pool controlled from its page"
	if err != nil {
		level, text = slog.LevelWarn, "a control of the pool's page was refused"
		attrs = append(attrs, slog.String("error", u.redactError(err)))
	}
	u.cfg.Log.LogAttrs(r.Context(), level, text, attrs...)
}

func (u *UI) do(pool *sqlpool.Pool, c command) (string, error) {
	switch c.Do {
	case "pause":
		pool.Pause()
		return health.ReasonPaused, nil
	case "resume":
		pool.Resume()
		return "resumed", nil
	case "resize":
		if err := pool.Resize(c.MaxConns, c.MinIdle); err != nil {
			return "", err
		}
		return fmt.Sprintf("resized to MaxConns %d, MinIdle %d", c.MaxConns, c.MinIdle), nil
	case "recycle":
		if c.Seconds < 0 || c.Seconds > longestRecycle.Seconds() {
			return "", fmt.Errorf("seconds is %v: it must be between 0 and %v; use for example 60", c.Seconds, longestRecycle.Seconds())
		}
		return u.recycle(pool, time.Duration(c.Seconds*float64(time.Second)))
	}
	return "", fmt.Errorf("do is %q: there is no such control; use pause, resume, recycle or resize", c.Do)
}

// recycle replaces all connections in the background: a browser does not wait
// for minutes.
func (u *UI) recycle(pool *sqlpool.Pool, over time.Duration) (string, error) {
	if !u.recycling.CompareAndSwap(false, true) {
		return "", errors.New("connections are being recycled already")
	}
	u.note(event{At: time.Now(), Kind: KindControl, Text: fmt.Sprintf("recycling all connections over %v", over), alone: true})
	go func() {
		defer u.recycling.Store(false)
		// Pool.Recycle ends with its pool.
		err := pool.Recycle(context.Background(), over)
		e := event{At: time.Now(), Kind: KindControl, Text: "all connections are recycled", alone: true}
		if err != nil {
			e.Text, e.Level = "recycling ended early: "+u.redactError(err), Degraded
		}
		u.note(e)
	}()
	return fmt.Sprintf("recycling all connections over %v", over), nil
}

func reply(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer{OK: status == http.StatusOK, Message: message}) // the client has gone
}
