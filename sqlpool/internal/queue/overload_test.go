package queue

import (
	"math/rand/v2"
	"testing"
	"time"
)

func constant(d time.Duration) func(*rand.Rand) time.Duration {
	return func(*rand.Rand) time.Duration { return d }
}

func exponential(mean time.Duration) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * float64(mean)) }
}

// among picks one of the durations, each as likely.
func among(d ...time.Duration) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration { return d[r.IntN(len(d))] }
}

// rarely is usual, but for one in a hundred.
func rarely(usual, long time.Duration) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration {
		if r.IntN(100) == 0 {
			return long
		}
		return usual
	}
}

// steady is a load as a part of what four connections with loans of 20 ms do.
func steady(load float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return 200 * load }
}

// after is a load of 200 % for two seconds, and then another.
func after(load float64) func(time.Duration) float64 {
	return func(at time.Duration) float64 {
		switch {
		case at < 2*time.Second:
			return 200 * 0.85
		case at < 4*time.Second:
			return 200 * 2
		}
		return 200 * load
	}
}

func same(n int, patience time.Duration) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = patience
	}
	return all
}

const (
	ms = time.Millisecond
	s  = time.Second
)

// stallAt is a server that finishes nothing for a while.
func stallAt(from, to time.Duration) func(time.Duration) time.Duration {
	return func(at time.Duration) time.Duration {
		if at >= from && at < to {
			return to
		}
		return 0
	}
}

var scenes = []struct {
	name string
	scene
	share float64 // of the random order's at least
}{
	{"2 s of 200 %, then 85 %", scene{loan: constant(20 * ms), open: after(.85), patience: constant(s), from: 4 * s, to: 14 * s}, 0.99},
	{"the same with loans of all lengths", scene{loan: exponential(20 * ms), open: after(.85), patience: constant(s), from: 4 * s, to: 14 * s}, 0.99},
	{"2 s of 200 %, then 95 %", scene{loan: exponential(20 * ms), open: after(.95), patience: constant(s), from: 4 * s, to: 24 * s}, 0.98},
	{"deadlines of .3, 1 and 5 s", scene{loan: exponential(20 * ms), open: after(.85), patience: among(300*ms, s, 5*s), from: 4 * s, to: 24 * s}, 0.98},
	{"deadlines of .3, 1 and 5 s, 150 %", scene{loan: exponential(20 * ms), open: steady(1.5), patience: among(300*ms, s, 5*s), from: 10 * s, to: 30 * s}, 0.98},
	{"steady 110 %", scene{loan: exponential(20 * ms), open: steady(1.1), patience: constant(s), from: 10 * s, to: 30 * s}, 0.98},
	{"steady 150 %", scene{loan: constant(20 * ms), open: steady(1.5), patience: constant(s), from: 10 * s, to: 30 * s}, 0.98},
	{"steady 150 %, loans of all lengths", scene{loan: exponential(20 * ms), open: steady(1.5), patience: constant(s), from: 10 * s, to: 30 * s}, 0.98},
	{"steady 150 %, two lengths", scene{loan: among(2*ms, 38*ms), open: steady(1.5), patience: constant(s), from: 10 * s, to: 30 * s}, 0.98},
	{"steady 150 %, a rare long loan", scene{loan: rarely(15*ms, 500*ms), open: steady(1.5), patience: constant(s), from: 10 * s, to: 30 * s}, 0.98},
	{"steady 150 %, four loans each", scene{loan: exponential(20 * ms), open: steady(1.5 / 4), each: 4, patience: constant(s), from: 10 * s, to: 30 * s}, 0.98},
	{"2 s of 200 %, then 85 %, four loans each", scene{loan: exponential(20 * ms), open: func(at time.Duration) float64 { return after(.85)(at) / 4 }, each: 4, patience: constant(s), from: 4 * s, to: 24 * s}, 0.98},
	{"steady 150 %, deadlines of two loans", scene{loan: constant(20 * ms), open: steady(1.5), patience: constant(45 * ms), from: 10 * s, to: 30 * s}, 0.98},
	{"steady 80 %, loans longer than many a deadline", scene{loan: among(2*ms, 38*ms), open: steady(.8), patience: among(10*ms, s), from: 10 * s, to: 30 * s}, 0.98},
	{"a closed loop with deadlines nearly too short", scene{loan: exponential(20 * ms), workers: same(180, s), from: 10 * s, to: 30 * s}, 0.98},
	{"a closed loop after a stall of the server", scene{loan: exponential(20 * ms), workers: same(80, s), stalled: stallAt(5*s, 7*s), from: 12 * s, to: 30 * s}, 1},
	{"a closed loop of 200, and health checks in a hurry", scene{loan: exponential(20 * ms), workers: same(200, 30*s), open: func(time.Duration) float64 { return 1 }, patience: constant(100 * ms), from: 10 * s, to: 60 * s}, 0.99},
	{"few workers with long loans", scene{loan: constant(10 * s), workers: same(6, 30*s), from: 60 * s, to: 300 * s}, 1},
}

func TestNoOrderServesFewerThanARandomOne(t *testing.T) {
	for _, sc := range scenes {
		sc.conns = 4
		var got, random, strict float64
		var w50, w99, r50, r99 time.Duration
		const seeds = 2
		for seed := range uint64(seeds) {
			a, b := simulate(sc.scene, newOurs(), seed), simulate(sc.scene, newRandom(), seed)
			got += a.share() / seeds
			random += b.share() / seeds
			strict += simulate(sc.scene, newStrict(), seed).share() / seeds
			w50, w99, r50, r99 = a.wait(.5), a.wait(.99), b.wait(.5), b.wait(.99)
		}
		t.Logf("%-50s served %.3f, random %.3f, strict %.3f; waits %v %v, random %v %v", sc.name, got, random, strict,
			w50.Round(ms), w99.Round(ms), r50.Round(ms), r99.Round(ms))
		if got < sc.share*random {
			t.Errorf("%s: served %.3f of those who came, a random order %.3f", sc.name, got, random)
		}
	}
}
