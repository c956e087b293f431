//go:build gc && (amd64 || arm64)

package leak

// callers fills pcs with the return addresses of the goroutine's frames, from
// the caller's on, and returns how many there are.
//
// runtime.Callers looks each frame up in tables to unwind it and to name what
// was inlined: some 100 ns a frame, which is more than a pool may cost a query.
// On these two architectures Go keeps frame pointers (the execution tracer
// depends on them), and following them costs a nanosecond a frame. The names of
// inlined functions are found when a report is made.
//
// Below a Go function that C has called, the chain ends: it would lead into C's
// frames, where the register holds anything, and walk does not leave the
// goroutine's stack.
func callers(pcs []uintptr) int { return walk(pcs) }

//go:noescape
func walk(pcs []uintptr) int
