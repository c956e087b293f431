package ledger

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"

	"github.com/sqlpool/go/sqlpool"
)

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want Outcome
	}{
		{nil, Acknowledged},
		{&sqlpool.AcquireError{Kind: sqlpool.ErrUnavailable}, Failed},
		{&sqlpool.ConnLostError{Sent: false, Err: driver.ErrBadConn}, Failed},
		{&sqlpool.ConnLostError{Sent: true, Err: driver.ErrBadConn}, Unknown},
		{&sqlpool.ConnLostError{Sent: true, Err: &pgconn.ConnectError{}}, Unknown},
		{driver.ErrBadConn, Unknown},
		{context.DeadlineExceeded, Unknown},
		{errors.New("EOF"), Unknown},
		{&pgconn.PgError{Code: "23505"}, Failed},
		{&pq.Error{Code: "25006"}, Failed},
		{&pq.Error{Code: "57014"}, Failed},
		{fmt.Errorf("commit: %w", &pgconn.PgError{Code: "57P01"}), Unknown},
		{&pgconn.PgError{Code: "08006"}, Unknown},
		{&pgconn.PgError{Code: "40003"}, Unknown},
		{&pgconn.PgError{}, Unknown},
		{safe{driver.ErrBadConn}, Failed},
	} {
		if got := Judge(tt.err); got != tt.want {
			t.Errorf("%T %v: %v, want %v", tt.err, tt.err, got, tt.want)
		}
	}
}

// safe is an error before anything was written.
type safe struct{ error }

func (safe) SafeToRetry() bool { return true }

// Each way in which a book can be wrong is found.
func TestAudit(t *testing.T) {
	var b Book
	acked, failed, unknown := b.Token(), b.Token(), b.Token()
	b.Record(acked, nil)
	b.Record(failed, &sqlpool.AcquireError{Kind: sqlpool.ErrClosed})
	b.Record(unknown, driver.ErrBadConn)
	for _, good := range []map[int64]int{{acked: 1}, {acked: 1, unknown: 1}} {
		if err := b.Audit(good).Err(); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	for _, tt := range []struct {
		seen  map[int64]int
		which func(Audit) []int64
		token int64
	}{
		{map[int64]int{}, func(a Audit) []int64 { return a.Lost }, acked},
		{map[int64]int{acked: 2}, func(a Audit) []int64 { return a.Doubled }, acked},
		{map[int64]int{acked: 1, unknown: 2}, func(a Audit) []int64 { return a.Doubled }, unknown},
		{map[int64]int{acked: 1, failed: 1}, func(a Audit) []int64 { return a.Ghosts }, failed},
		{map[int64]int{acked: 1, 99: 1}, func(a Audit) []int64 { return a.Strange }, 99},
	} {
		a := b.Audit(tt.seen)
		if a.Err() == nil || !slices.Equal(tt.which(a), []int64{tt.token}) {
			t.Errorf("%v: %+v", tt.seen, a)
		}
	}
	if a := b.Audit(map[int64]int{acked: 1, failed: 1}); !errors.Is(a.Err(), sqlpool.ErrClosed) {
		t.Errorf("%v does not say what the caller was told", a.Err())
	}
}
