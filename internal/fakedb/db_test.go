package fakedb_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
)

func TestServerDownAndUp(t *testing.T) {
	db := fakedb.New()
	db.SetDown(nil)
	_, err := db.Connector().Connect(t.Context())
	is(t, err, fakedb.ErrDown)
	db.SetDown(errRefused)
	_, err = db.Connector().Connect(t.Context())
	is(t, err, errRefused)
	db.SetUp()
	connect(t, db)
}

func TestConnectHeedsItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		db.On(fakedb.Connect, fakedb.Fault{Hang: fakedb.UntilDone})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				_, err := db.Connector().Connect(ctx)
				is(t, err, context.DeadlineExceeded)
			})
		}
		all.Wait()
		if n := db.Counts(); n.PeakDialing != 3 || n.Dialing != 0 || n.ConnectsFailed != 3 || n.PeakLive != 0 {
			t.Errorf("%+v", n)
		}
	})
}

func TestPanicAtConnectIsCounted(t *testing.T) {
	db := fakedb.New()
	db.On(fakedb.Connect, fakedb.Fault{Panic: "boom"})
	func() {
		defer func() { recover() }()
		db.Connector().Connect(t.Context())
	}()
	if n := db.Counts(); n.Dialing != 0 || n.ConnectsFailed != 1 {
		t.Errorf("%+v", n)
	}
}

func TestPeakIsKept(t *testing.T) {
	db := fakedb.New()
	a, b := connect(t, db), connect(t, db)
	a.Close()
	b.Close()
	connect(t, db)
	if n := db.Counts(); n.PeakLive != 2 || n.Live != 1 {
		t.Errorf("%+v", n)
	}
	if list := db.Conns(); len(list) != 1 || list[0].ID() != 3 {
		t.Errorf("Conns = %v", list)
	}
}
