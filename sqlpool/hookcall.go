package sqlpool

import (
	"context"
	"fmt"
	"runtime/debug"
)

// A HookPanic is a panic of a hook, or of a driver where the pool itself calls
// it, kept from taking a slot or the process
// with it.
type HookPanic struct {
	Moment string // the field of Hooks, for example "BeforeAcquire", or the driver's method
	Value  any    // what it panicked with
	Stack  []byte // where
}

// Error names the moment and the value. The stack is long and stands in Stack.
func (e *HookPanic) Error() string {
	return fmt.Sprintf("sqlpool: %s panicked: %v", e.Moment, e.Value)
}

// Unwrap returns the panic's value when that is an error.
func (e *HookPanic) Unwrap() error {
	err, _ := e.Value.(error)
	return hideBadConn(err)
}

// ReasonCode implements the interface behind the function ReasonCode.
func (e *HookPanic) ReasonCode() string { return CodeHookPanic }

// catch turns a panic into the error that *err then holds. It must be deferred
// directly.
func catch(moment string, err *error) {
	if v := recover(); v != nil {
		*err = &HookPanic{Moment: moment, Value: v, Stack: debug.Stack()}
	}
}

// decide runs the deciding hooks of one moment until one refuses.
func decide(ctx context.Context, moment string, hooks []func(context.Context, *Conn) error, c *Conn) (err error) {
	if len(hooks) == 0 {
		return nil
	}
	defer catch(moment, &err)
	for _, h := range hooks {
		if err := h(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// decideRelease is decide for AfterRelease, which has no context because it
// must not use the network.
func decideRelease(hooks []func(*Conn) error, c *Conn) (err error) {
	if len(hooks) == 0 {
		return nil
	}
	defer catch("AfterRelease", &err)
	for _, h := range hooks {
		if err := h(c); err != nil {
			return err
		}
	}
	return nil
}

// watch tells the watching hooks of one moment. Every hook is told even when
// one before it panics; the first panic is returned.
func watch[E any](moment string, hooks []func(E), event E) (err error) {
	for _, h := range hooks {
		if p := watchOne(moment, h, event); p != nil && err == nil {
			err = p
		}
	}
	return err
}

func watchOne[E any](moment string, h func(E), event E) (err error) {
	defer catch(moment, &err)
	h(event)
	return nil
}
