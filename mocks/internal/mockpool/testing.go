package mockpool

import "context"

// T is what a mock database asks of its test: testing.TB has it. The methods
// are those of sqlmockpool.T.
type T interface {
	Helper()                           // as of testing.TB
	Name() string                      // as of testing.TB
	Context() context.Context          // as of testing.TB
	Cleanup(f func())                  // as of testing.TB
	Errorf(format string, args ...any) // as of testing.TB
}

// Lenient is a test that does not want to hear of leaks.
type Lenient struct{ T }
