//go:build !gc || !(amd64 || arm64)

package leak

import "runtime"

// callers fills pcs with the program counters of the goroutine's frames, from
// the caller's on, and returns how many there are.
func callers(pcs []uintptr) int { return runtime.Callers(2, pcs) }
