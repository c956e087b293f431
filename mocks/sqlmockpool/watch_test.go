package sqlmockpool_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/mocks/sqlmockpool"
)

// A suite opens its database once, and its tests have a T of their own each.
func TestALeakFailsTheSubtestThatIsWatched(t *testing.T) {
	for _, l := range leakers {
		for _, how := range []string{"context of the subtest", "context of the suite", "another context"} {
			t.Run(l.name+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					suite, sub, next := &fakeTB{TB: t}, &fakeTB{TB: t}, &fakeTB{TB: t}
					db, mock, _ := sqlmockpool.New(suite)
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()

					sqlmockpool.Watch(sub, mock)
					switch how {
					case "context of the subtest":
						ctx = sub.Context()
					case "context of the suite":
						ctx = suite.Context()
					}
					line := l.leak(ctx, db, mock)
					sub.end()
					if len(sub.errors) != 1 || !strings.HasPrefix(sub.errors[0], "sqlmockpool: leak at "+line+": ") || !strings.Contains(sub.errors[0], l.says) {
						t.Errorf("want the leak at %s in the subtest, got %q", line, sub.errors)
					}

					sqlmockpool.Watch(next, mock)
					mock.ExpectExec("DELETE").WillReturnResult(done)
					if _, err := db.Exec("DELETE FROM books"); err != nil {
						t.Error(err)
					}
					next.end()
					suite.end()
					if len(next.errors) > 0 || len(suite.errors) > 0 {
						t.Errorf("told again: %q, %q", next.errors, suite.errors)
					}
				})
			})
		}
	}
}

func TestALeakOfASubtestThatIsNotWatchedFailsTheParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		suite := &fakeTB{TB: t}
		db, mock, _ := sqlmockpool.New(suite)
		mock.ExpectBegin()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		_, _ = db.BeginTx(ctx, nil)
		line := lineBefore()
		suite.end()
		if len(suite.errors) != 1 || !strings.HasPrefix(suite.errors[0], "sqlmockpool: leak at "+line) {
			t.Errorf("%q", suite.errors)
		}
	})
}

// Of subtests side by side, the context tells whose a loan is.
func TestParallelSubtestsAnswerForTheirOwnContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		suite, clean, leaks := &fakeTB{TB: t}, &fakeTB{TB: t}, &fakeTB{TB: t}
		db, mock, _ := sqlmockpool.New(suite)
		mock.MatchExpectationsInOrder(false)
		mock.ExpectBegin()
		mock.ExpectBegin()
		mock.ExpectRollback()
		mock.ExpectRollback()
		sqlmockpool.Watch(clean, mock)
		sqlmockpool.Watch(leaks, mock)
		var tests sync.WaitGroup
		for _, sub := range []*fakeTB{clean, leaks} {
			tests.Go(func() {
				tx, err := db.BeginTx(sub.Context(), nil)
				if err != nil {
					t.Error(err)
				}
				if sub == clean {
					_ = tx.Rollback()
				}
			})
		}
		tests.Wait()
		clean.end()
		leaks.end()
		suite.end()
		if len(clean.errors) > 0 || len(leaks.errors) != 1 || len(suite.errors) > 0 {
			t.Errorf("%q, %q, %q", clean.errors, leaks.errors, suite.errors)
		}
	})
}

func TestWatchWantsAnOpenMockOfThePool(t *testing.T) {
	_, plain, err := sqlmock.New()
	if err != nil {
		t.Fatal(err)
	}
	suite := &fakeTB{TB: t}
	_, ended, _ := sqlmockpool.New(suite)
	suite.end()
	for _, mock := range []sqlmock.Sqlmock{plain, ended} {
		f := &fakeTB{TB: t}
		sqlmockpool.Watch(f, mock)
		if len(f.errors) != 1 || !strings.Contains(f.errors[0], "give Watch what New returned") {
			t.Errorf("%q", f.errors)
		}
	}
}

func TestAllowLeaksLeavesOnlyLeaksOut(t *testing.T) {
	for _, l := range leakers {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeTB{TB: t}
			db, mock, _ := sqlmockpool.New(sqlmockpool.AllowLeaks(f))
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			l.leak(ctx, db, mock)
			mock.ExpectExec("DELETE")
			f.end()
			if len(f.errors) != 1 || !strings.Contains(f.errors[0], "- Exec DELETE") {
				t.Errorf("%s: %q", l.name, f.errors)
			}
		})
	}
}

func TestAVerdictSaysWhatATestWouldHaveFailedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var verdict sqlmockpool.Verdict
		db, mock, err := sqlmockpool.New(&verdict)
		if err != nil {
			t.Fatal(err)
		}
		mock.ExpectBegin()
		mock.ExpectCommit()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		_, _ = db.BeginTx(ctx, nil)
		line := lineBefore()
		for range 2 {
			err := verdict.End()
			if err == nil || !strings.Contains(err.Error(), "leak at "+line) || !strings.Contains(err.Error(), "1 of 2 expectations not met") {
				t.Error(err)
			}
		}
		if err := db.Ping(); err == nil {
			t.Error("the database is open still")
		}

		var clean sqlmockpool.Verdict
		if db, mock, err = sqlmockpool.New(&clean); err != nil {
			t.Fatal(err)
		}
		mock.ExpectExec("DELETE").WillReturnResult(done)
		if _, err := db.Exec("DELETE FROM books"); err != nil {
			t.Error(err)
		}
		if err := clean.End(); err != nil {
			t.Error(err)
		}
	})
}
