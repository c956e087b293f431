package sqlmockpool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// errMocked is the error that scenes have the mock return.
var errMocked = errors.New("mocked")

// fakeTB is a test that a test may see fail. It has an end of its own.
type fakeTB struct {
	testing.TB

	mu       sync.Mutex
	errors   []string
	cleanups []func()
	ctx      context.Context
	cancel   context.CancelFunc
}

// Errorf implements testing.TB.
func (f *fakeTB) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

// Cleanup implements testing.TB.
func (f *fakeTB) Cleanup(cleanup func()) { f.cleanups = append(f.cleanups, cleanup) }

// Context implements testing.TB.
func (f *fakeTB) Context() context.Context {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx == nil {
		f.ctx, f.cancel = context.WithCancel(context.Background())
	}
	return f.ctx
}

// Log and Logf show what a clean test must not have.
func (f *fakeTB) Log(args ...any)                 { f.Errorf("%s", fmt.Sprint(args...)) }
func (f *fakeTB) Logf(format string, args ...any) { f.Errorf(format, args...) }

// end ends the test as package testing does: its context, then its cleanups,
// the last one first.
func (f *fakeTB) end() {
	f.Context()
	f.cancel()
	for _, cleanup := range slices.Backward(f.cleanups) {
		cleanup()
	}
	f.cleanups = nil
}
