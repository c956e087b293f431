package faultpool_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/mocks/faultpool"
	"github.com/sqlpool/go/sqlpool"
)

// borrow is the code under test: it tells a reader what to do now.
func borrow(db *sql.DB, book int) string {
	_, err := db.Exec("UPDATE books SET lent = true WHERE id = $1 AND NOT lent", book)
	switch {
	case err == nil:
		return "it is yours"
	case errors.Is(err, sqlpool.ErrSaturated), errors.Is(err, sqlpool.ErrUnavailable):
		return "come back later" // nothing has been sent
	case errors.Is(err, sqlpool.ErrConnLost):
		return "look whether it is yours" // nobody knows
	}
	return err.Error()
}

// aTest stands for a test's *testing.T, which an example has not.
type aTest struct{ testing.T }

func (*aTest) Context() context.Context { return context.Background() }

func Example() {
	t := new(aTest)
	db, mock, faults := faultpool.New(t)

	faults.Saturate()
	fmt.Println("too many at once:", borrow(db, 2))
	faults.TakeDown(nil)
	fmt.Println("no server:", borrow(db, 2))
	faults.Restore()

	mock.ExpectExec("UPDATE").WillReturnError(faultpool.ErrConnReset)
	fmt.Println("no answer:", borrow(db, 2))

	mock.ExpectExec("UPDATE").WithArgs(2).WillReturnResult(sqlmock.NewResult(0, 1))
	fmt.Println("all is well:", borrow(db, 2))
	// Output:
	// too many at once: come back later
	// no server: come back later
	// no answer: look whether it is yours
	// all is well: it is yours
}
