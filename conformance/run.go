package conformance

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// run runs the check and what is to be done after it.
func (x *trial) run() {
	defer x.tidyUp()
	done := make(chan struct{})
	go func() { // Goexit ends the check, not the trial
		defer close(done)
		defer x.caught()
		if x.rule.check == nil {
			x.own()
			return
		}
		x.rule.check(x)
	}()
	<-done
}

func (x *trial) caught() {
	if p := recover(); p != nil {
		x.errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// tidyUp ends what the check has left behind: callers who still wait are not
// worth waiting for, and what they say now says nothing.
func (x *trial) tidyUp() {
	x.mu.Lock()
	x.over = true
	x.mu.Unlock()
	x.stop()
	if x.watch != nil {
		x.watch.letGo()
	}
	x.work.Wait()
	for {
		x.mu.Lock()
		last := len(x.cleanups) - 1
		if last < 0 {
			x.mu.Unlock()
			return
		}
		f := x.cleanups[last]
		x.cleanups = x.cleanups[:last]
		x.mu.Unlock()
		f()
	}
}

func (x *trial) result() Result {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case len(x.failures) > 0:
		return Result{Rule: x.rule, Verdict: Fail, Seen: append([]string(nil), x.failures...)}
	case x.skipped != "":
		return Result{Rule: x.rule, Verdict: Skip, Seen: []string{x.skipped}}
	}
	return Result{Rule: x.rule, Verdict: Pass}
}

// ours is where the goroutines are that run through this package.
func ours() string {
	buf := make([]byte, 1<<20)
	var here []string
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "/conformance.") {
			here = append(here, g)
		}
	}
	return strings.Join(here, "\n\n")
}
