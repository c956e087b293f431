package library_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/examples/library"
)

var (
	emma       = library.Book{ID: 1, Title: "Emma"}
	persuasion = library.Book{ID: 2, Title: "Persuasion", Lent: true}
	austen     = []library.Book{emma, persuasion}
	columns    = []string{"id", "title", "lent"}
	written    = sqlmock.NewResult(0, 1)
)

func TestFind(t *testing.T) {
	eachMode(t, austen, func(t *testing.T, on mode) {
		on.expect(func(mock sqlmock.Sqlmock) {
			mock.ExpectQuery("SELECT id, title, lent FROM books").WithArgs("s").
				WillReturnRows(sqlmock.NewRows(columns).AddRow(2, "Persuasion", true)).RowsWillBeClosed()
		})
		books, err := library.Shelf{DB: on.db}.Find(t.Context(), "s")
		if err != nil || !slices.Equal(books, []library.Book{persuasion}) {
			t.Error(books, err)
		}
	})
}

func TestLend(t *testing.T) {
	eachMode(t, austen, func(t *testing.T, on mode) {
		on.expect(func(mock sqlmock.Sqlmock) {
			mock.ExpectBegin()
			mock.ExpectQuery("SELECT lent").WithArgs(1).WillReturnRows(sqlmock.NewRows([]string{"lent"}).AddRow(false))
			mock.ExpectExec("UPDATE books").WithArgs(1).WillReturnResult(written)
			mock.ExpectExec("INSERT INTO loans").WithArgs(1, "Jane").WillReturnResult(written)
			mock.ExpectCommit()
		})
		if err := (library.Shelf{DB: on.db}).Lend(t.Context(), emma.ID, "Jane"); err != nil {
			t.Error(err)
		}
	})
}

func TestLendRefuses(t *testing.T) {
	for _, tt := range []struct {
		book int64
		rows *sqlmock.Rows
		want error
	}{
		{persuasion.ID, sqlmock.NewRows([]string{"lent"}).AddRow(true), library.ErrLent},
		{99, sqlmock.NewRows([]string{"lent"}), library.ErrUnknown},
	} {
		t.Run(tt.want.Error(), func(t *testing.T) {
			eachMode(t, austen, func(t *testing.T, on mode) {
				on.expect(func(mock sqlmock.Sqlmock) {
					mock.ExpectBegin()
					mock.ExpectQuery("SELECT lent").WithArgs(tt.book).WillReturnRows(tt.rows)
					mock.ExpectRollback()
				})
				if err := (library.Shelf{DB: on.db}).Lend(t.Context(), tt.book, "Jane"); !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
			})
		})
	}
}

func TestAdd(t *testing.T) {
	eachMode(t, nil, func(t *testing.T, on mode) {
		on.expect(func(mock sqlmock.Sqlmock) {
			insert := mock.ExpectPrepare("INSERT INTO books").WillBeClosed()
			insert.ExpectExec().WithArgs(1, "Emma").WillReturnResult(written)
			insert.ExpectExec().WithArgs(2, "Persuasion").WillReturnResult(written)
			mock.ExpectQuery("SELECT").WillReturnRows(sqlmock.NewRows(columns).AddRow(1, "Emma", false).AddRow(2, "Persuasion", false))
		})
		shelf := library.Shelf{DB: on.db}
		if err := shelf.Add(t.Context(), austen...); err != nil {
			t.Fatal(err)
		}
		books, err := shelf.Find(t.Context(), "")
		if err != nil || len(books) != 2 || books[0] != emma {
			t.Error(books, err)
		}
	})
}
