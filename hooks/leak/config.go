package leak

import "time"

// Capture says when a Detector takes stacks.
//
// On amd64 and arm64 the program counters are read by following frame pointers
// (callers_fast.go), some nanoseconds for a whole stack: SELECT 1 over a unix
// socket keeps 0.98 to 1.03 times its throughput with one caller and 0.98 times
// with 8 (BenchmarkCaptureAlways, with cgo, medians of two runs; 1.00 and 0.98
// without cgo, of six). Elsewhere runtime.Callers costs some 1.7 µs for a query's
// 17 frames, and it is 0.94 and 0.91; Armed and Sampled avoid that.
type Capture int

const (
	// Always takes the stack of every loan.
	Always Capture = iota

	// Sampled takes the stack of one loan in Config.SampleEvery; the others are
	// reported without one.
	Sampled

	// Armed takes no stack until the first leak is found, and every stack from then on.
	// It costs nothing while nothing leaks, but the first report has no stack.
	Armed
)

// Config configures a Detector. The zero value finds loans that have been idle in hand
// for 30 seconds and calls no function: Leaks, Holders and the pool's own errors show
// them.
type Config struct {
	// After is how long a loan may last without being used: since the acquire, or since
	// the last statement's answer. Default 30 s; negative turns detection off. The
	// pool's sweeps look for leaks and find one up to two sweeps later.
	After time.Duration

	// Capture says when stacks are taken. Default Always.
	Capture Capture

	// SampleEvery is the n of "one loan in n" under Sampled. Default 100.
	SampleEvery int

	// Report is called once for each leak, and once more when the loan ends after all
	// (Report.Returned). It is called from the pool's sweep, or from the goroutine that
	// returns the connection, and must not block.
	Report func(Report)

	// HideStatements leaves the last statement's text out of reports. Arguments
	// are never in them.
	HideStatements bool

	// Reclaim cuts the connection of a loan that is found leaking, so that its
	// slot can be dialed into again. The borrower's next use fails. Off by
	// default: a slow report is not a leak.
	Reclaim bool

	// Profile also keeps the stacks of all loans that are out in the
	// runtime/pprof profile "sqlpool.inuse", for go tool pprof and
	// /debug/pprof. It costs an allocation for each loan.
	Profile bool
}

// DefaultAfter is Config.After by default.
const DefaultAfter = 30 * time.Second
