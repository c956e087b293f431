package lazybegin

// fail says that the server has refused BEGIN. Its error is the answer to the
// statement, and to nothing that follows that.
func (f *Filter) fail() {
	f.state.Store(failed)
	f.guard(true)
	f.skipping = f.waitsForSync()
	kept := f.kept
	f.kept = nil
	if f.form == alone && !f.skipping {
		_, kept, _ = whole(kept)
	}
	if len(kept) > 0 {
		_, _ = f.refuse(kept) // it answers here; what it sends on is a Close, whose loss shows in the next read
	}
}

// refuse answers what the driver sends in a transaction whose BEGIN was refused, as
// a server does in a failed transaction.
func (f *Filter) refuse(b []byte) (int, error) {
	f.kept = append(f.kept, b...)
	rest := f.kept
	for {
		message, after, ok := whole(rest)
		if !ok {
			break
		}
		switch kind := message[0]; {
		case kind == 'S' && f.skipping:
			f.skipping = false
			f.out = appendReady(f.out, "E")
		case f.skipping:
		case kind == 'Q' || kind == 'F':
			if text, _ := queryText(message); ends(text) != "" {
				f.out = appendReady(appendMessage(f.out, 'C', "ROLLBACK\x00"), "I")
				f.kept = nil
				f.state.Store(passing)
				f.guard(false)
				if len(after) > 0 {
					if _, err := f.w.Write(after); err != nil {
						return 0, err
					}
				}
				return len(b), nil
			}
			f.aborted()
			f.out = appendReady(f.out, "E")
		case kind == 'S' || kind == 'C':
			closes, beyond, pure, complete := closing(rest)
			if pure && !complete {
				f.kept = append(f.kept[:0], rest...)
				return len(b), nil
			}
			if pure { // a failed transaction lets statements be closed: the server does it
				if err := f.sendCloses(closes); err != nil {
					return 0, err
				}
				after = beyond
				break
			}
			fallthrough
		case kind == 'P' || kind == 'B' || kind == 'D' || kind == 'E':
			f.aborted()
			f.skipping = true
		}
		rest = after
	}
	f.kept = append(f.kept[:0], rest...)
	return len(b), nil
}

// closing splits off the messages up to the first Sync. pure reports whether they
// are nothing but Close, complete whether the Sync is there.
func closing(b []byte) (closes, rest []byte, pure, complete bool) {
	rest = b
	for {
		message, after, ok := whole(rest)
		switch {
		case !ok:
			return nil, b, true, false
		case message[0] == 'S':
			return b[:len(b)-len(after)], after, true, true
		case message[0] != 'C':
			return nil, b, false, false
		}
		rest = after
	}
}

// aborted answers with BEGIN's own error, if that was not the answer to a statement yet, and else
// with the error that a server has for every statement of a failed transaction.
func (f *Filter) aborted() {
	if f.refusal != nil {
		f.out, f.refusal = append(f.out, f.refusal...), nil
		return
	}
	f.out = appendMessage(f.out, 'E', "SERROR\x00", "VERROR\x00", "C25P02\x00",
		"Mcurrent transaction is aborted, commands ignored until end of transaction block\x00", "\x00")
}
