package alarm_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/alarm"
)

func TestItGoesOffAtTheEarliestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		now := func() int64 { return int64(time.Since(start)) + 1 }
		var mu sync.Mutex
		var rang []time.Duration
		var a alarm.Alarm
		a.Ring = func() {
			mu.Lock()
			defer mu.Unlock()
			a.Rang()
			rang = append(rang, time.Since(start))
		}
		set := func(in time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			a.Set(now()+int64(in), now())
		}
		set(time.Minute)
		set(time.Second)
		set(time.Hour)
		a.Set(alarm.Never, now())
		time.Sleep(2 * time.Hour)
		isSet := func() bool { mu.Lock(); defer mu.Unlock(); return a.IsSet() }
		if isSet() {
			t.Error("it is still set")
		}
		set(-time.Second) // was due
		synctest.Wait()
		set(time.Hour)
		if !isSet() {
			t.Error("it is not set again")
		}
		a.Stop()
		time.Sleep(2 * time.Hour)
		mu.Lock()
		defer mu.Unlock()
		if len(rang) != 2 || rang[0] != time.Second || rang[1] != 2*time.Hour {
			t.Errorf("it went off at %v", rang)
		}
	})
}
