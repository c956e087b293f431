//go:build unix

package netpoll

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// The reader waits on the only processor, and its byte is there. Whoever yields
// that processor again and again leaves it where it is; Wait has it found. Rarely
// the reader's thread is held up, or the runtime's monitor comes first.
func TestWaitFindsWhatIsThere(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const tries = 40
	found := func(wait func()) (n int) {
		for range tries {
			if reads(t, wait) {
				n++
			}
		}
		return n
	}
	if n := found(Wait); n < tries*3/4 {
		t.Errorf("found %d of %d", n, tries)
	}
	if n := found(runtime.Gosched); n > tries/4 {
		t.Errorf("found %d of %d without a poll: the test shows nothing", n, tries)
	}
}

// reads reports whether a reader has what is there soon after wait.
func reads(t *testing.T, wait func()) bool {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var waits, got atomic.Bool
	var reader sync.WaitGroup
	reader.Go(func() {
		waits.Store(true)
		_, _ = r.Read(make([]byte, 1))
		got.Store(true)
	})
	for !waits.Load() {
		runtime.Gosched()
	}
	yield(100, &got)
	if _, err := w.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	wait()
	soon := yield(1000, &got)
	reader.Wait()
	_, _ = r.Close(), w.Close()
	return soon
}

// yield gives the processor up, at most n times, until until holds.
func yield(n int, until *atomic.Bool) bool {
	for range n {
		if until.Load() {
			return true
		}
		runtime.Gosched()
	}
	return until.Load()
}

func TestWaitCounts(t *testing.T) {
	before := Polls()
	for range 10 {
		Wait()
	}
	if n := Polls() - before; n != 10 {
		t.Errorf("%d polls for 10 calls in a row", n)
	}
	var callers sync.WaitGroup
	for range 100 {
		callers.Go(Wait)
	}
	callers.Wait()
	if n := Polls() - before - 10; n < 1 {
		t.Error("no poll for 100 calls at the same time")
	}
}

func TestWaitAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, Wait); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// What cannot be waited for is given up, and the caller goes on.
func TestWithoutAPipe(t *testing.T) {
	for _, broken := range []func(*pipe){
		func(p *pipe) { _ = p.r.Close() },
		func(p *pipe) { _ = p.w.Close() },
	} {
		var p poller
		p.wait()
		if p.pipe == nil {
			t.Fatal("no pipe")
		}
		broken(p.pipe)
		p.wait()
		p.wait()
		if p.pipe != nil || p.polls.Load() != 3 {
			t.Errorf("%d of 3 calls returned, with the pipe %v", p.polls.Load(), p.pipe)
		}
	}
}

func BenchmarkWait(b *testing.B) {
	for b.Loop() {
		Wait()
	}
}
