package route_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/sqlpool/route"
)

// write has the primary write once a second for so long.
func (l *simLab) write(d time.Duration) {
	for range d / time.Second {
		l.primary.set(func(s *sim) { s.lsn++ })
		time.Sleep(time.Second)
	}
}

// A replica that stops replaying is passed over when it is MaxLag behind, whatever MaxLag is, and however often the primary is
// asked meanwhile.
func TestAStuckReplicaIsPassedOverAfterMaxLag(t *testing.T) {
	for _, often := range []bool{false, true} {
		maxLag := time.Hour
		if often {
			maxLag = time.Minute
		}
		t.Run(fmt.Sprint(maxLag), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := simulate(t, 1, route.Config{MaxLag: maxLag})
				ended := make(chan bool)
				if often {
					go func() {
						defer close(ended)
						for range 20000 {
							session := route.Session(t.Context())
							if _, err := l.ExecContext(session, "UPDATE"); err != nil {
								t.Error(err)
							}
							if _, err := l.router.Token(session); err != nil {
								t.Error(err)
							}
							time.Sleep(4 * time.Millisecond)
						}
					}()
				} else {
					close(ended)
				}
				l.write(maxLag - 5*time.Second)
				if s := l.router.Snapshot().Replicas[0]; !s.Fit || s.Lag < maxLag-10*time.Second {
					t.Errorf("before: fit %v, %v behind: %s", s.Fit, s.Lag, s.Reason)
				}
				l.write(10 * time.Second)
				if s := l.router.Snapshot().Replicas[0]; s.Fit || !strings.Contains(s.Reason, "and MaxLag is") {
					t.Errorf("after: fit %v, %v behind: %s", s.Fit, s.Lag, s.Reason)
				}
				<-ended
			})
		})
	}
}

// A replica that refuses more connections, as a server or a role that is full does, serves by those that it has.
func TestAReplicaThatIsFullIsReadFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 1, route.Config{})
		ctx := route.Replica(t.Context())
		if name, err := l.whose(ctx); err != nil || name != "replica 0" {
			t.Fatal(name, err)
		}
		l.replicas[0].set(func(s *sim) { s.refuse = errors.New("too many connections") })
		l.replicas[0].work = func() time.Duration { return 100 * time.Millisecond }
		var readers sync.WaitGroup
		for range 2 { // one of them has the pool dial, and waits for the other's connection
			readers.Go(func() {
				for range 900 { // the watcher's connection was to be renewed meanwhile
					if name, err := l.whose(ctx); err != nil || name != "replica 0" {
						t.Errorf("a read on %q: %v", name, err)
						return
					}
				}
			})
		}
		readers.Wait()
		if s := l.router.Snapshot().Replicas[0]; !s.Fit || s.Pool.DialErrorCount == 0 || s.Pool.Open != 1 {
			t.Errorf("fit %v: %s; %d dials failed, %d connections", s.Fit, s.Reason, s.Pool.DialErrorCount, s.Pool.Open)
		}
	})
}

// Without replicas there is nothing to choose, and tokens are made for programs that have some.
func TestARouterWithoutReplicasMakesTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 0, route.Config{})
		session := route.Session(t.Context())
		if name, err := l.whose(route.Replica(session)); err != nil || name != "primary" {
			t.Errorf("a read on %q: %v", name, err)
		}
		if _, err := l.ExecContext(session, "UPDATE"); err != nil {
			t.Fatal(err)
		}
		if token, err := l.router.Token(session); err != nil || token != "1-0/64" {
			t.Errorf("token %q: %v", token, err)
		}
	})
}
