package workload

// Known is what a transfer's caller knows about it at the end.
type Known int

const (
	Never        Known = iota // COMMIT was not sent: it must not be in the log
	Unknown                   // COMMIT may have been sent, no answer came: at most once
	Acknowledged              // COMMIT was answered: exactly once
)

// book is what the callers know, by token.
type book map[int64]Known

func (b *book) note(token int64, known Known) {
	if *b == nil {
		*b = book{}
	}
	(*b)[token] = known
}

// book returns the books of all workers in one. After Done only.
func (r *Run) book() book {
	all := book{}
	for _, w := range r.workers {
		for token, known := range w.book {
			all[token] = known
		}
	}
	return all
}
