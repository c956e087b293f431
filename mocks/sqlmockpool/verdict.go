package sqlmockpool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sqlpool/go/mocks/internal/mockpool"
)

// T is what a mock database asks of its test. Every testing.TB has it; where
// there is none, a *Verdict has.
type T interface {
	// Helper marks its caller as one whose line an error is not to name.
	Helper()

	// Name is the test's name, and the pool's if it has none of its own.
	Name() string

	// Context ends with the test, before what Cleanup was given runs.
	Context() context.Context

	// Cleanup has f called at the test's end, the last one first.
	Cleanup(f func())

	// Errorf fails the test and lets it run on.
	Errorf(format string, args ...any)
}

var (
	_ T = (*Verdict)(nil)
	_ T = mockpool.T(nil)
)

// AllowLeaks returns a T whose leaks are not errors: for a suite that leaks
// today and is to run on the pool all the same. Expectations that are not met
// still fail it.
//
//	db, mock, err := sqlmockpool.New(sqlmockpool.AllowLeaks(t))
func AllowLeaks(t T) T { return mockpool.Lenient{T: t} }

// A Verdict stands for the test where there is no testing.TB: in TestMain, in an
// example, in a helper that was given none. What would fail a test is what End
// returns. The zero value is ready for use; its methods may be called from any
// goroutine. It must not be copied.
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

// End ends the mock databases that were opened with v, closing those that are
// open, and returns what a test would have failed for: leaks, expectations that
// were not met. A second End returns the same.
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

// Cleanup has End call f. What was added last is called first.
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
