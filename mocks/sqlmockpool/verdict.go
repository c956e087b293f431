package sqlmockpool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sqlpool/go/mocks/internal/mockpool"
)

// T is the part of testing.TB that a mock database uses. Every testing.TB implements
// it, and so does *Verdict, for code without a test.
type T interface {
	// Helper marks its caller as a function whose line no error should name.
	Helper()

	// Name is the test's name, and the pool's if it has none of its own.
	Name() string

	// Context ends with the test, before what Cleanup was given runs.
	Context() context.Context

	// Cleanup registers f to be called at the test's end, the last one first.
	Cleanup(f func())

	// Errorf fails the test and lets it run on.
	Errorf(format string, args ...any)
}

var (
	_ T = (*Verdict)(nil)
	_ T = mockpool.T(nil)
)

// AllowLeaks returns a T for which leaks are not errors. It is for a suite that has
// leaks today and should run on the pool nevertheless. Expectations that are not met
// still fail the test.
//
//	db, mock, err := sqlmockpool.New(sqlmockpool.AllowLeaks(t))
func AllowLeaks(t T) T { return mockpool.Lenient{T: t} }

// A Verdict replaces the test where there is no testing.TB: in TestMain, in an example,
// in a helper without one. End returns the errors for which a test would fail. The zero
// value is ready for use; its methods may be called from any goroutine. It must not be
// copied.
//
//	var verdict sqlmockpool.Verdict
//	db, mock, err := sqlmockpool.New(&verdict)
//	…
//	err = verdict.End()
type Verdict struct {
	mu       sync.Mutex
	ctx      context.Context
	cancel   context.CancelFunc
	cleanups []func()
	errs     []error
}

// End ends the mock databases that were opened with v, closing those that are open, and
// returns the errors for which a test would have failed: leaks, expectations that were
// not met. A second End returns the same.
func (v *Verdict) End() error {
	_ = v.Context()
	v.cancel()
	v.mu.Lock()
	cleanups := v.cleanups
	v.cleanups = nil
	v.mu.Unlock()
	for _, f := range slices.Backward(cleanups) {
		f()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return errors.Join(v.errs...)
}

// Context returns a context that ends with End.
func (v *Verdict) Context() context.Context {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ctx == nil {
		v.ctx, v.cancel = context.WithCancel(context.Background())
	}
	return v.ctx
}

// Cleanup registers f to be called by End. The last one is called first.
func (v *Verdict) Cleanup(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.cleanups = append(v.cleanups, f)
}

// Errorf adds an error to what End returns.
func (v *Verdict) Errorf(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.errs = append(v.errs, fmt.Errorf(format, args...))
}

// Name returns the name of the pools: "mock".
func (v *Verdict) Name() string { return "mock" }

// Helper does nothing.
func (v *Verdict) Helper() {}
