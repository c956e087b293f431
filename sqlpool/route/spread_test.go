package route_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/sqlpool/route"
)

// shares has 8 readers read 20,000 times and returns how many reads each replica has served.
func (l *simLab) shares(t *testing.T) []int {
	t.Helper()
	const readers, each = 8, 2500
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			for range each {
				if name, err := l.whose(route.Replica(context.Background())); err != nil || name == "primary" {
					t.Errorf("a read on %s: %v", name, err)
					return
				}
			}
		})
	}
	wg.Wait()
	var counts []int
	for _, r := range l.replicas {
		counts = append(counts, r.count(func(s *sim) int { return s.served }))
	}
	return counts
}

func TestReadsOneAfterTheOtherTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 3, route.Config{})
		var before string
		for i := range 30 {
			name, err := l.whose(route.Replica(t.Context()))
			if err != nil || name == before {
				t.Fatalf("read %d on %s, the one before on %s: %v", i, name, before, err)
			}
			before = name
		}
		for _, r := range l.replicas {
			if n := r.count(func(s *sim) int { return s.served }); n != 10 {
				t.Errorf("%s has served %d of 30 reads", r.name, n)
			}
		}
	})
}

// random is a service time: most answers are quick and some are not.
func random(mean time.Duration) func() time.Duration {
	return func() time.Duration { return time.Duration(rand.ExpFloat64() * float64(mean)) }
}

func TestReplicasThatAreEquallyFastHaveEqualShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 3, route.Config{})
		for _, r := range l.replicas {
			r.work = random(time.Millisecond)
		}
		counts := l.shares(t)
		if least, most := min(counts[0], counts[1], counts[2]), max(counts[0], counts[1], counts[2]); float64(most) > 1.03*float64(least) {
			t.Errorf("reads ran on %v", counts)
		}
	})
}

// The turns of a replica that is passed over go to all others, not to its neighbour.
func TestAReplicaThatIsPassedOverLeavesEqualSharesToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 4, route.Config{})
		for _, r := range l.replicas {
			r.work = random(time.Millisecond)
		}
		l.replicas[1].set(func(s *sim) { s.replica = false })
		l.await(t, func(s route.Snapshot) bool { return !s.Replicas[1].Fit })
		counts := l.shares(t)
		if counts[1] != 0 {
			t.Errorf("a replica that was promoted has served %d reads", counts[1])
		}
		if least, most := min(counts[0], counts[2], counts[3]), max(counts[0], counts[2], counts[3]); float64(most) > 1.03*float64(least) {
			t.Errorf("reads ran on %v", counts)
		}
	})
}

func TestASlowReplicaHasASmallerShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := simulate(t, 2, route.Config{})
		l.replicas[0].work, l.replicas[1].work = random(time.Millisecond), random(8*time.Millisecond)
		counts := l.shares(t)
		if fast, slow := counts[0], counts[1]; slow == 0 || float64(fast) < 2*float64(slow) {
			t.Errorf("eight times as slow, and reads ran on %v", counts)
		}
	})
}
