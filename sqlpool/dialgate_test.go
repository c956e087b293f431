package sqlpool_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestThePoolsOfAProcessShareABoundOnDials(t *testing.T) {
	defer sqlpool.LimitProcessDials(sqlpool.DefaultProcessDials)
	synctest.Test(t, func(t *testing.T) {
		sqlpool.LimitProcessDials(3)
		db := fakedb.New()
		db.On(fakedb.Connect, fakedb.Fault{Delay: time.Second})
		for range 5 {
			p, err := sqlpool.New(sqlpool.Config{Connector: db.Connector(), MinIdle: 2, ConnectTimeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
		}
		time.Sleep(10 * time.Second)
		if c := db.Counts(); c.PeakDialing != 3 || c.Live != 10 {
			t.Errorf("%d dials at once, %d connections; want 3 and 10", c.PeakDialing, c.Live)
		}
	})
}

func TestWaitingForTheBoundEndsWithConnectTimeout(t *testing.T) {
	defer sqlpool.LimitProcessDials(sqlpool.DefaultProcessDials)
	synctest.Test(t, func(t *testing.T) {
		sqlpool.LimitProcessDials(1)
		db := fakedb.New()
		db.On(fakedb.Connect, fakedb.Fault{Delay: time.Minute, Deaf: true, Times: 1})
		slow, err := sqlpool.New(sqlpool.Config{Connector: db.Connector(), MinIdle: 1, ConnectTimeout: 2 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer slow.Close()
		synctest.Wait()
		p, err := sqlpool.New(sqlpool.Config{Connector: db.Connector(), ConnectTimeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		_, err = p.Acquire(t.Context())
		if !errors.Is(err, sqlpool.ErrUnavailable) || !strings.Contains(err.Error(), "LimitProcessDials") {
			t.Errorf("error %v", err)
		}
		time.Sleep(2 * time.Minute)
	})
}
