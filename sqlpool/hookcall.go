package sqlpool

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// A HookPanic is a panic of a hook, or of a driver where the pool itself calls
// it, kept from taking a slot or the process with it. So is the end of a hook's
// goroutine by runtime.Goexit.
type HookPanic struct {
	Moment string // the field of Hooks, for example "BeforeAcquire", or the driver's method
	Value  any    // what it panicked with
	Stack  []byte // where
}

// Error names the moment and the value. The stack is long and stands in Stack.
func (e *HookPanic) Error() string {
	if e.Value == error(errHookExit) {
		return fmt.Sprintf("sqlpool: %s: %v", e.Moment, e.Value)
	}
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

// errHookExit is the value of the HookPanic of a hook that ended its goroutine.
var errHookExit = errors.New("the hook ended its goroutine, as runtime.Goexit and t.FailNow do")

// tail does what is left to do when a hook ends its goroutine. Nothing stops that,
// and no frame above is returned to; so a panic, a refusal and this leave alike.
type tail func(reason error)

// aside gives the hooks of a moment a goroutine of their own, so that one which
// ends it ends nothing else. It is for moments that are on no caller's goroutine.
func aside(moment string, hooks int, f func() error) error {
	if hooks == 0 {
		return nil
	}
	result := make(chan error, 1)
	go func() {
		err := error(&HookPanic{Moment: moment, Value: errHookExit})
		defer func() { result <- err }()
		err = f()
	}()
	return <-result
}

// decide runs the deciding hooks of one moment until one refuses.
func decide[C any](ctx context.Context, moment string, hooks []func(context.Context, C) error, c C, exits tail) error {
	return decideEach(moment, len(hooks), func(i int) error { return hooks[i](ctx, c) }, exits)
}

// decideRelease is decide for AfterRelease, which has no context because it
// cannot use the network.
func decideRelease(hooks []func(Releasing) error, c *Conn, exits tail) error {
	r := Releasing{Conn: &c.ConnRef, conn: c}
	return decideEach("AfterRelease", len(hooks), func(i int) error { return hooks[i](r) }, exits)
}

func decideEach(moment string, hooks int, call func(i int) error, exits tail) (err error) {
	done := false
	defer func() {
		if !done && err == nil {
			exits(&HookPanic{Moment: moment, Value: errHookExit, Stack: debug.Stack()})
		}
	}()
	defer catch(moment, &err)
	for i := range hooks {
		if err := call(i); err != nil {
			return err
		}
	}
	done = true
	return nil
}

// decideAside is decide for a moment that is on no caller's goroutine.
func decideAside[C any](ctx context.Context, moment string, hooks []func(context.Context, C) error, c C) error {
	return aside(moment, len(hooks), func() error { return decide(ctx, moment, hooks, c, func(error) {}) })
}

// leftOpen refuses a connection that a hook has left inside a transaction: what a
// borrower writes would be rolled back with it.
func (c *Conn) leftOpen(moment string) error {
	if !c.dirty() {
		return nil
	}
	return because(CodeDirty, errors.New("the connection is in a transaction, or broken, after "+moment))
}

// watch tells the watching hooks of one moment. Every hook is told even when
// one before it panics or ends the goroutine; the first panic is returned.
func watch[E any](moment string, hooks []func(E), event E, exits tail) (err error) {
	told := 0
	defer func() {
		if told <= len(hooks) {
			watchRest(moment, hooks[told:], event)
			exits(&HookPanic{Moment: moment, Value: errHookExit, Stack: debug.Stack()})
		}
	}()
	for told < len(hooks) {
		told++
		if p := watchOne(moment, hooks[told-1], event); p != nil && err == nil {
			err = p
		}
	}
	told++
	return err
}

// watchRest is watch when the goroutine ends.
func watchRest[E any](moment string, hooks []func(E), event E) {
	for i, h := range hooks {
		_ = aside(moment, len(hooks)-i, func() error { return watchOne(moment, h, event) })
	}
}

// watchAside is watch for a moment that is on no caller's goroutine.
func watchAside[E any](moment string, hooks []func(E), event E) error {
	return aside(moment, len(hooks), func() error { return watch(moment, hooks, event, func(error) {}) })
}

func watchOne[E any](moment string, h func(E), event E) (err error) {
	defer catch(moment, &err)
	h(event)
	return nil
}
