//go:build unix

package outage

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

const (
	// calm is how late a machine wakes a goroutine at most while it has little
	// else to do.
	calm = 10 * time.Millisecond

	// tries is how often something timed is tried while the machine is busy.
	tries = 4
)

// misses are the bounds of time that a try did not keep.
type misses struct{ said []string }

func (m *misses) add(format string, args ...any) {
	m.said = append(m.said, fmt.Sprintf(format, args...))
}

// timed runs a test whose bounds of time are promises. The bounds count where they
// are asked for (SQLPOOL_TIMES, make outage), and stay what they are; but a try in
// which the machine itself was late says nothing about them, and is repeated when
// the machine has calmed down. Elsewhere the tests may run next to anything: there
// a bound that was not kept is only told, and no try is repeated for it.
func timed(t *testing.T, test func(t *testing.T, m *misses)) {
	count := os.Getenv("SQLPOOL_TIMES") != ""
	for n := 1; !t.Failed(); n++ {
		var m misses
		noise := Listen()
		t.Run(fmt.Sprint("try ", n), func(t *testing.T) { test(t, &m) })
		late := noise.Stop()
		t.Logf("the machine woke a goroutine up to %v late", late)
		if len(m.said) == 0 {
			return
		}
		said := fmt.Sprintf("in try %d, with a machine that was up to %v late:\n%s", n, late, strings.Join(m.said, "\n"))
		switch {
		case !count:
			t.Log(said)
			return
		case n == tries || late < calm:
			t.Error(said)
			return
		}
		t.Logf("to be tried again: %s", said)
		awaitCalm(bounded(t))
	}
}

// awaitCalm waits until the machine has been calm for a while, or for as long
// as the context allows: a busy machine is no reason not to test.
func awaitCalm(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		noise := Listen()
		_ = lasts(ctx, 250*time.Millisecond)
		if noise.Stop() < calm {
			return
		}
	}
}
