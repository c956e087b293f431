package sqlmockpool_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/mocks/sqlmockpool"
	"github.com/sqlpool/go/sqlpool"
)

// The expectations are go-sqlmock's. What did not come fails the test at its end,
// beside what came.
func Example() {
	var verdict sqlmockpool.Verdict // in a test: its *testing.T
	db, mock, err := sqlmockpool.New(&verdict)
	if err != nil {
		fmt.Println(err)
		return
	}
	mock.ExpectBegin()
	mock.ExpectExec("UPDATE books").WithArgs(2).WillReturnResult(sqlmock.NewResult(0, 1))
	mock.ExpectRollback()
	mock.ExpectExec("INSERT INTO readers").WillReturnResult(sqlmock.NewResult(0, 1))

	// The code under test.
	tx, err := db.Begin()
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := tx.Exec("UPDATE books SET lent = true WHERE id = $1", 2); err != nil {
		fmt.Println(err)
	}
	_ = tx.Rollback()

	fmt.Println(verdict.End()) // of a test: what it fails with
	// Output:
	// sqlmockpool: 1 of 4 expectations not met (-)
	// expected:
	//     Begin
	//     Exec UPDATE books with 2
	//     Rollback
	//   - Exec INSERT INTO readers
	// came:
	//     Begin
	//     Exec UPDATE books SET lent = true WHERE id = $1 with 2
	//     Rollback
}

// With the pool of production, its hooks and its errors.
func Example_newPool() {
	var verdict sqlmockpool.Verdict // in a test: its *testing.T
	leaks := leak.New(leak.Config{})
	pool, db, mock, err := sqlmockpool.NewPool(&verdict, sqlpool.Config{
		MaxConns:       1,
		AcquireTimeout: 10 * time.Millisecond,
		Hooks:          []sqlpool.Hooks{leaks.Hooks()},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mock.ExpectQuery("SELECT title").WillReturnRows(sqlmock.NewRows([]string{"title"}).AddRow("Emma"))

	rows, err := db.Query("SELECT title FROM books")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pool.Stats().InUse, "in use by", leaks.Holders()[0].LastStatement)

	_, err = db.Exec("DELETE FROM books")
	fmt.Println("meanwhile:", errors.Is(err, sqlpool.ErrAcquireTimeout))

	if err := rows.Close(); err != nil {
		fmt.Println(err)
	}
	fmt.Println("verdict:", verdict.End())
	// Output:
	// 1 in use by SELECT title FROM books
	// meanwhile: true
	// verdict: <nil>
}
