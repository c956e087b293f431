package lazybegin

import "strings"

// Write implements io.Writer for the driver.
func (f *Filter) Write(b []byte) (int, error) {
	if isTerminate(b) { // perhaps on another goroutine: it touches nothing here
		f.guard(false)
		return f.w.Write(b)
	}
	if !f.startup {
		f.startup = true
		if !isStartup(b) {
			f.state.Store(off)
		}
	}
	if s := f.state.Load(); s == off || s == passing && !f.armed {
		return f.w.Write(b)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.state.Load() {
	case held:
		return f.sendBegin(b)
	case sending:
		return f.sendMore(b)
	case failed:
		return f.refuse(b)
	}
	if f.hold(b) {
		return len(b), nil
	}
	return f.w.Write(b)
}

// hold keeps b and answers it, if it is a BEGIN and the driver stands between two of
// the server's messages.
func (f *Filter) hold(b []byte) bool {
	text, ok := queryText(b)
	if _, rest, one := whole(b); !f.armed || !ok || !one || len(rest) > 0 {
		return false
	}
	const begin = "begin"
	if len(text) < len(begin) || !strings.EqualFold(text[:len(begin)], begin) || !f.in.between() || len(f.out) > 0 {
		return false
	}
	f.simple = append(f.simple[:0], b...)
	f.kept = f.kept[:0]
	f.sync = framer{}
	f.synced, f.sent, f.skipping, f.lost, f.refusal = false, false, false, nil, nil
	f.answer("BEGIN\x00", "T")
	f.guard(true)
	f.state.Store(held)
	return true
}

// answer answers a simple query.
func (f *Filter) answer(tag, status string) {
	f.out = appendReady(appendMessage(f.out[:0], 'C', tag), status)
}

// sendBegin takes what the driver sends first in the transaction.
func (f *Filter) sendBegin(b []byte) (int, error) {
	f.kept = append(f.kept, b...)
	if len(f.kept) == 0 {
		return 0, nil
	}
	switch f.kept[0] {
	case 'C', 'S':
		closes, rest, pure, complete := closing(f.kept)
		if pure && !complete {
			return len(b), nil // the rest of it comes
		}
		if pure && len(rest) == 0 {
			f.kept = f.kept[:0]
			if err := f.sendCloses(closes); err != nil {
				return 0, err
			}
			return len(b), nil
		}
		fallthrough
	case 'P', 'B', 'D', 'E', 'H':
		if !f.clean() {
			return f.open(alone, len(b))
		}
		return f.open(ahead, len(b))
	}
	message, rest, ok := whole(f.kept)
	if !ok {
		return len(b), nil // the rest of it comes
	}
	if f.showing {
		f.kept = f.kept[:0]
		return f.open(shown, len(b))
	}
	text, ok := queryText(message)
	if !ok || len(rest) > 0 {
		return f.open(alone, len(b))
	}
	if tag := ends(text); tag != "" { // nothing was sent, so there is nothing to end
		f.kept = f.kept[:0]
		f.answer(tag+"\x00", "I")
		f.state.Store(passing)
		f.guard(false)
		return len(b), nil
	}
	if extended(text, f.rows) && f.clean() {
		return f.open(converted, len(b))
	}
	return f.open(alone, len(b))
}

// sendCloses sends what closes statements, and nothing else, while the server is outside of
// the transaction. It is no part of that, and BEGIN's error must not be its answer: a
// driver need not expect one there. pgx does not read on to the ReadyForQuery behind it, and would
// take that for the end of the next answer.
func (f *Filter) sendCloses(b []byte) error {
	f.guard(false)
	defer f.guard(true)
	_, err := f.w.Write(b)
	return err
}

func (f *Filter) clean() bool { return f.Clean == nil || f.Clean() }

// open sends BEGIN, and as much of what is kept as may go with it. n is what Write
// returns when all goes well.
func (f *Filter) open(as form, n int) (int, error) {
	f.form, f.step = as, awaitBegin
	begin, _ := queryText(f.simple)
	f.buf = f.buf[:0]
	switch as {
	case ahead:
		first := f.untilSync(f.kept)
		f.buf = append(appendExecution(f.buf, begin, false), f.kept[:first]...)
		f.kept = append(f.kept[:0], f.kept[first:]...)
		f.sent = true
	case converted:
		query, _ := queryText(f.kept)
		f.buf = appendMessage(appendExecution(appendExecution(f.buf, begin, false), query, true), 'S')
		f.kept = f.kept[:0]
		f.synced, f.sent = true, true
	case alone, shown:
		f.buf = append(f.buf, f.simple...)
		f.synced = true
	}
	f.guard(false)
	f.state.Store(sending)
	sent, err := f.w.Write(f.buf)
	if cap(f.buf) > mostKept {
		f.buf = nil
	}
	if cap(f.kept) > mostKept && len(f.kept) == 0 {
		f.kept = nil
	}
	if err != nil {
		return min(sent, n), err // of 0 the drivers say that it is safe to try again
	}
	return n, nil
}

// mostKept is how large a buffer may be to be used again.
const mostKept = 16 << 10

// untilSync returns how many of the driver's bytes may be sent before BEGIN has been
// answered: all up to its first Sync.
func (f *Filter) untilSync(b []byte) int {
	n := 0
	for n < len(b) && !f.synced {
		n += f.sync.next(b[n:])
		f.synced = f.sync.between() && f.sync.head[0] == 'S'
	}
	return n
}

// sendMore takes what the driver sends before BEGIN has been answered.
func (f *Filter) sendMore(b []byte) (int, error) {
	now := f.untilSync(b)
	f.kept = append(f.kept, b[now:]...)
	if now > 0 {
		if n, err := f.w.Write(b[:now]); err != nil {
			return n, err
		}
	}
	return len(b), nil
}
