package sqlpool

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Force tells the OnRelease hooks of a loan that its session has resumed without the pool's lock.
func TestTrapForceRaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s := kept(t, Config{Hooks: []Hooks{{OnRelease: func(Released) {}}}})
		for use(t, s); s.keptAt == 0; use(t, s) {
		}
		go func() {
			_ = s.ResetSession(background)
			time.Sleep(100 * time.Millisecond)
			s.IsValid()
		}()
		time.Sleep(5 * time.Millisecond)
		ctx, cancel := context.WithTimeout(background, 5*time.Millisecond)
		defer cancel()
		if err := s.pool.Shutdown(ctx); err == nil {
			t.Error("nobody was forced")
		}
		time.Sleep(time.Second)
	})
}
