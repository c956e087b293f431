package route

import (
	"context"
	"net/http"
	"time"
)

// beyond is a token that no replica reaches: while a browser sends it, its reads go to the primary.
const beyond = "FFFFFFFF/FFFFFFFF"

// tokenWait bounds the wait for the primary's position before a response.
const tokenWait = time.Second

// Middleware gives each request a context from Session, and has a browser's next requests read what this one has written,
// in whatever process they arrive: a token is kept in the named cookie, for MaxLag and ten seconds. A response to a
// request that has written waits for one answer of the primary before its header is sent (see Token); where that
// fails, the browser's reads go to the primary for as long. What is written after the header is not in the cookie.
//
// Each router needs a cookie of its own. A client that changes the cookie can only choose where its own reads go.
func (r *Router) Middleware(cookie string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		token := ""
		if sent, err := req.Cookie(cookie); err == nil {
			token = sent.Value
		}
		ctx, err := r.WithToken(req.Context(), token)
		if err != nil { // not a token of ours
			ctx = Session(req.Context())
		}
		told := &response{ResponseWriter: w, tell: func() {
			if markOf(ctx).session.of(r).written {
				r.setCookie(ctx, w, cookie)
			}
		}}
		next.ServeHTTP(told, req.WithContext(ctx))
		told.header(http.StatusOK)
	})
}

func (r *Router) setCookie(ctx context.Context, w http.ResponseWriter, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tokenWait)
	defer cancel()
	token, err := r.Token(ctx)
	if err != nil {
		token = beyond
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
