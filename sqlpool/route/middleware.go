package route

import (
	"context"
	"net/http"
	"time"
)

// beyond is a token that no replica reaches: while a browser sends it, its reads go to the primary.
const beyond = "FFFFFFFF-FFFFFFFF/FFFFFFFF"

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
			if t, err := parseToken(sent.Value); err == nil { // else it is no token of ours
				session.change(r, func(w *writes) { w.token = w.token.latest(t) })
			}
		}
		told := &response{ResponseWriter: w, tell: func() {
			if now := session.of(r); now.written || now.open > 0 {
				r.setCookie(ctx, w, cookie, now.open > 0)
			}
		}}
		next.ServeHTTP(told, req.WithContext(ctx))
		told.header(http.StatusOK)
	})
}

func (r *Router) setCookie(ctx context.Context, w http.ResponseWriter, name string, open bool) {
	token := beyond // what is committed only now has no position yet
	if !open {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tokenWait)
		defer cancel()
		if told, err := r.Token(ctx); err == nil {
			token = told
		}
	}
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: token, Path: "/", MaxAge: int(r.cfg.MaxLag/time.Second) + 10, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
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
