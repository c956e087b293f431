package lazybegin

// Read implements io.Reader for the driver.
func (f *Filter) Read(p []byte) (int, error) {
	for {
		if n := f.answered(p); n > 0 {
			return n, nil
		}
		n, err := f.r.Read(p)
		if n > 0 {
			if n, err = f.filter(p[:n], err); n == 0 && err == nil {
				continue
			}
		}
		return n, err
	}
}

// answered takes what the filter has answered itself.
func (f *Filter) answered(p []byte) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.out) == 0 || !f.in.between() {
		return 0
	}
	n := copy(p, f.out)
	f.out = append(f.out[:0], f.out[n:]...) // so that the next answer fits
	return n
}

func (f *Filter) filter(p []byte, err error) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.take(p)
	if f.lost != nil {
		err, f.lost = f.lost, nil
	}
	return n, err
}

// take takes BEGIN's answer out of what was read, in place, and returns the length of
// what is the driver's.
func (f *Filter) take(p []byte) int {
	left := 0
	for done := 0; done < len(p); {
		switch f.state.Load() {
		case passing: // always between two messages, or in one that was passing as it began
			f.in.skip(p[done:])
			return left + copy(p[left:], p[done:])
		case off:
			return left + copy(p[left:], p[done:])
		}
		if f.in.between() {
			f.kind = p[done]
			f.keep = f.wants(f.kind)
		}
		n := f.in.next(p[done:])
		if f.kind == 'E' && f.form == shown && f.step == awaitBegin && f.state.Load() == sending {
			f.refusal = append(f.refusal, p[done:done+n]...)
		}
		if f.keep {
			copy(p[left:], p[done:done+n])
			left += n
		}
		done += n
		if f.in.between() {
			if status := f.ended(f.kind); status != 0 {
				p[left-1] = status // the server is at 'I', and the driver in a transaction
			}
		}
	}
	return left
}

// wants reports whether a message of the server's is the driver's.
func (f *Filter) wants(kind byte) bool {
	if f.state.Load() != sending || kind == 'N' || kind == 'S' || kind == 'A' || kind == 'E' { // N, S and A may come at any time
		return true
	}
	switch f.step {
	case awaitRows:
		return kind != '1' && kind != '2' && kind != 'n'
	case awaitRefusal:
		return kind != 'Z' || !f.waitsForSync()
	}
	return f.form == shown || kind != '1' && kind != '2' && kind != 'C' && kind != 'Z'
}

// waitsForSync reports whether the driver reads a ReadyForQuery only behind a Sync that
// BEGIN, sent alone, did not have.
func (f *Filter) waitsForSync() bool {
	return f.form == alone && len(f.kept) > 0 && f.kept[0] != 'Q' && f.kept[0] != 'F'
}

// ended follows the end of a message. It returns the status that the driver is told in
// place of the server's, or 0.
func (f *Filter) ended(kind byte) (status byte) {
	state := f.state.Load()
	switch {
	case state != sending && kind != 'Z':
		return 0
	case state == held: // a statement was closed
		return 'T'
	case state == failed:
		return 'E'
	case kind == 'N' || kind == 'S' || kind == 'A':
		return 0
	case f.step == awaitRefusal:
		if kind != 'Z' {
			return 0
		}
		f.fail()
		if f.keep {
			return 'E'
		}
	case f.step == awaitRows:
		if kind != '1' && kind != '2' {
			f.pass()
		}
	case kind == 'E':
		f.step = awaitRefusal
	case f.step == awaitReady && kind == 'Z':
		f.pass()
	case f.step == awaitBegin && kind == 'C':
		switch f.form {
		case ahead:
			f.pass()
		case converted:
			f.step = awaitRows
		default:
			f.step = awaitReady
		}
	}
	return 0
}

// pass says that the server has begun the transaction. What was kept runs in it.
func (f *Filter) pass() {
	if len(f.kept) > 0 {
		f.sent = true
		_, f.lost = f.w.Write(f.kept)
		if f.kept = f.kept[:0]; cap(f.kept) > mostKept {
			f.kept = nil
		}
	}
	f.state.Store(passing)
}
