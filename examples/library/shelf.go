package library

import (
	"context"
	"database/sql"
	"errors"
)

// Book is a book of the library.
type Book struct {
	ID    int64  `json:"id"`
	Title string `json:"title"`
	Lent  bool   `json:"lent"` // to a reader
}

// Errors of a Shelf, to be tested with errors.Is.
var (
	ErrUnknown = errors.New("library: no such book")
	ErrLent    = errors.New("library: the book is lent already")
)

// Shelf is the repository in DB. It knows database/sql and neither driver nor
// pool.
type Shelf struct{ DB *sql.DB }

// Find returns the books whose title contains a word, by title.
func (s Shelf) Find(ctx context.Context, word string) ([]Book, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT id, title, lent FROM books WHERE title LIKE '%' || $1::text || '%' ORDER BY title`, word)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	books := []Book{}
	for rows.Next() {
		var b Book
		if err := rows.Scan(&b.ID, &b.Title, &b.Lent); err != nil {
			return nil, err
		}
		books = append(books, b)
	}
	return books, rows.Err()
}

// Lend lends a book to a reader: both rows are written or none.
func (s Shelf) Lend(ctx context.Context, book int64, reader string) error {
	tx, err := s.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	var lent bool
	err = tx.QueryRowContext(ctx, `SELECT lent FROM books WHERE id = $1 FOR UPDATE`, book).Scan(&lent)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrUnknown
	case err != nil:
		return err
	case lent:
		return ErrLent
	}
	if _, err := tx.ExecContext(ctx, `UPDATE books SET lent = true WHERE id = $1`, book); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO loans (book, reader) VALUES ($1, $2)`, book, reader); err != nil {
		return err
	}
	return tx.Commit()
}

// Add puts books on the shelf, with one statement prepared once.
func (s Shelf) Add(ctx context.Context, books ...Book) error {
	stmt, err := s.DB.PrepareContext(ctx, `INSERT INTO books (id, title) VALUES ($1, $2)`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for _, b := range books {
		if _, err := stmt.ExecContext(ctx, b.ID, b.Title); err != nil {
			return err
		}
	}
	return nil
}
