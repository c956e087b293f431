package library

import (
	"errors"
	"net/http"

	"github.com/sqlpool/go/sqlpool"
)

// fail answers with the status that an error deserves. The pool's errors tell
// what the client may do: come back (503), or ask first whether it was done
// (500).
func fail(w http.ResponseWriter, err error) {
	var lost *sqlpool.ConnLostError
	switch {
	case errors.Is(err, ErrUnknown):
		http.Error(w, "no such book", http.StatusNotFound)
	case errors.Is(err, ErrLent):
		http.Error(w, "the book is lent already", http.StatusConflict)
	case errors.Is(err, sqlpool.ErrSaturated), errors.Is(err, sqlpool.ErrAcquireTimeout):
		w.Header().Set("Retry-After", "1")
		http.Error(w, "busy", http.StatusServiceUnavailable)
	case errors.Is(err, sqlpool.ErrUnavailable):
		w.Header().Set("Retry-After", "10")
		http.Error(w, "the database is away", http.StatusServiceUnavailable)
	case errors.As(err, &lost) && lost.Sent:
		http.Error(w, "it is not known whether this was done", http.StatusInternalServerError)
	default:
		http.Error(w, "internal error", http.StatusInternalServerError)
	}
}
