package route

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// tokenWait bounds the wait for the primary's position before a response.
const tokenWait = time.Second

// Middleware gives each request a context from Session, and has a browser's next requests read what this one has written,
// in whatever process they arrive: a token is kept in the named cookie, for MaxLag and ten seconds. A response to a
// request that has written waits for one answer of the primary before its header is sent (see Token). Where that
// fails, or a write may still be under way then, as before a deferred Close of a *sql.Conn, the browser's reads go to the
// primary for as long. A write that begins after the header is not in the cookie.
//
// Each router needs a cookie of its own; the middlewares of several share the request's session. A client that changes the cookie can only choose where its own reads go.
func (r *Router) Middleware(cookie string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx := req.Context()
		if markOf(ctx).session == nil {
			ctx = Session(ctx)
		}
		session := markOf(ctx).session
		if sent, err := req.Cookie(cookie); err == nil {
			if t, until, err := parseCookie(sent.Value); err == nil { // else it is none of ours
				session.change(r, func(w *writes) { w.token, w.until = w.token.latest(t), until })
			}
		}
		told := &response{ResponseWriter: w, tell: func() {
			if now := session.of(r); now.written || now.open > 0 {
				r.setCookie(ctx, w, cookie, now)
			}
		}}
		defer told.header(http.StatusOK) // also of a handler that panics, for which an outer one may answer
		next.ServeHTTP(told, req.WithContext(ctx))
	})
}

// kept is how long a browser keeps the cookie: until replicas without what it stands for are too far behind to be read from.
func (r *Router) kept() time.Duration { return r.cfg.MaxLag + 10*time.Second }

func (r *Router) setCookie(ctx context.Context, w http.ResponseWriter, name string, now writes) {
	token, settled := now.token.String(), false
	if now.open == 0 && !r.primarySilent() { // what is committed only after the header has no position yet
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tokenWait)
		defer cancel()
		if told, err := r.Token(ctx); err == nil {
			token, settled = told, true
		}
	}
	if !settled {
		now.until = time.Now().Add(r.kept())
	}
	if now.unsettled() {
		token += "." + strconv.FormatInt(now.until.Unix(), 16)
	}
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: token, Path: "/", MaxAge: int(r.kept() / time.Second), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// primarySilent reports whether the primary has answered before and does not now.
func (r *Router) primarySilent() bool {
	p := r.primary()
	return p.seen.Load().lsn != 0 && !p.fit()
}

// parseCookie reads a token, or nothing, and the time until which reads go to the primary if there is one: "1-0/16B3748.6740A1B2".
func parseCookie(value string) (t token, until time.Time, err error) {
	text, seconds, hasUntil := strings.Cut(value, ".")
	if text != "" || !hasUntil {
		if t, err = parseToken(text); err != nil {
			return t, until, err
		}
	}
	if hasUntil {
		n, err := strconv.ParseInt(seconds, 16, 64)
		if err != nil {
			return t, until, err
		}
		until = time.Unix(n, 0)
	}
	return t, until, nil
}

// response calls tell before the header is sent.
type response struct {
	http.ResponseWriter
	tell func()
	told bool
}

func (w *response) header(status int) {
	if !w.told && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.told = true
		w.tell()
	}
}

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(status int) {
	w.header(status)
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *response) Write(p []byte) (int, error) {
	w.header(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (w *response) Flush() {
	w.header(http.StatusOK)
	_ = http.NewResponseController(w.ResponseWriter).Flush() // Flusher has no error
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
