package recycle

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestWhenRetiresAfterAnErrorOfTheLoan(t *testing.T) {
	var asked []error
	p, server := newPool(t, 1, 0, When(func(err error) bool {
		asked = append(asked, err)
		return strings.Contains(err.Error(), "42704")
	}))
	db := sqlpool.OpenDB(p)
	defer db.Close()
	ctx := context.Background()
	dials := func() int { return int(p.Stats().DialCount) }
	exec := func(text string) error { _, err := db.ExecContext(ctx, text); return err }

	if err := exec("SELECT 1"); err != nil || len(asked) != 0 {
		t.Fatalf("%v; asked about %v without an error", err, asked)
	}
	if err := exec("FAIL 23505"); err == nil || len(asked) != 1 || !errors.Is(err, asked[0]) {
		t.Fatalf("caller %v, asked about %v", err, asked)
	}
	if err := exec("SELECT 1"); err != nil || len(asked) != 1 || dials() != 1 {
		t.Errorf("%v; asked about an error of an earlier loan: %v, %d dials", err, asked, dials())
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("FAIL 42704"); err == nil {
		t.Fatal("no error")
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := exec("SELECT 1"); err != nil || dials() != 2 {
		t.Errorf("%v; %d dials after an error that retires, want 2", err, dials())
	}
	if n := server.Counts().Connects; n != 2 {
		t.Errorf("%d connects", n)
	}
}

func TestWhenNeedsAFunction(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	When(nil)
}

// MinIdle connections are idle at every instant, although they age and a dial
// takes a while.
func TestMinIdleHoldsWhileConnectionsAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := retired{code: CodeMaxLifetime}
		p, server := newPool(t, 5, 3, MaxLifetime(10*time.Second), gone.hooks(t))
		server.On(fakedb.Connect, fakedb.Fault{Delay: 50 * time.Millisecond})
		if err := p.Warm(context.Background()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		for range 100_000 {
			time.Sleep(time.Millisecond)
			if s := p.Stats(); s.Idle < 3 {
				t.Fatalf("%+v", s)
			}
		}
		if n := len(gone.ages()); n < 20 {
			t.Errorf("%d retired in 100 s: this proves nothing", n)
		}
		for _, age := range gone.ages() {
			if age > 14*time.Second {
				t.Errorf("one was lent for %v", age)
			}
		}
	})
}

// While the server is away, an old connection is better than none.
func TestAnOldConnectionIsKeptThroughAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := newPool(t, 5, 1, MaxLifetime(10*time.Second))
		if err := p.Warm(context.Background()); err != nil {
			t.Fatal(err)
		}
		server.SetDown(driver.ErrBadConn) // for new connections
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := p.Stats(); s.Idle != 1 || s.CloseCount != 0 {
			t.Errorf("%+v", s)
		}
		server.SetUp()
		time.Sleep(time.Minute)
		synctest.Wait()
		// An old connection goes one sweep after its replacement has come.
		if s := p.Stats(); s.Idle < 1 || s.Idle > 2 || s.CloseCount == 0 {
			t.Errorf("%+v", s)
		}
	})
}
