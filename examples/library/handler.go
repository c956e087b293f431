package library

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Handler serves a shelf:
//
//	GET  /books?word=…              the books, as JSON
//	POST /books/{id}/loans?reader=… lends one
func Handler(s Shelf) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /books", func(w http.ResponseWriter, r *http.Request) {
		books, err := s.Find(r.Context(), r.FormValue("word"))
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(books) // the client has gone
	})
	mux.HandleFunc("POST /books/{id}/loans", func(w http.ResponseWriter, r *http.Request) {
		book, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			http.Error(w, "a book's id is a number", http.StatusBadRequest)
			return
		}
		if err := s.Lend(r.Context(), book, r.FormValue("reader")); err != nil {
			fail(w, err)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	return mux
}
