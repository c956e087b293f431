package bench

import (
	"runtime"
	"syscall"
	"time"
)

// rest blocks this thread: the runtime's own timers are a millisecond late where
// nothing else keeps a processor awake (netpoll waits in whole milliseconds), which is the whole
// distance.
func rest(d time.Duration) {
	if d <= 0 {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ts := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&ts, nil) // a signal makes it shorter
}
