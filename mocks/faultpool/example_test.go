package faultpool_test

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/mocks/faultpool"
	"github.com/sqlpool/go/mocks/sqlmockpool"
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
		return "look whether it is yours" // the outcome is unknown
	}
	return err.Error()
}

func Example() {
	var verdict sqlmockpool.Verdict // in a test: its *testing.T
	db, mock, faults, err := faultpool.New(&verdict)
	if err != nil {
		fmt.Println(err)
		return
	}

	faults.Saturate()
	fmt.Println("too many at once:", borrow(db, 2))
	faults.TakeDown(nil)
	fmt.Println("no server:", borrow(db, 2))
	faults.Restore()

	mock.ExpectExec("UPDATE").WillReturnError(faultpool.ErrConnReset)
	fmt.Println("no answer:", borrow(db, 2))

	mock.ExpectExec("UPDATE").WithArgs(2).WillReturnResult(sqlmock.NewResult(0, 1))
	fmt.Println("all is well:", borrow(db, 2))
	fmt.Println("verdict:", verdict.End())
	// Output:
	// too many at once: come back later
	// no server: come back later
	// no answer: look whether it is yours
	// all is well: it is yours
	// verdict: <nil>
}
