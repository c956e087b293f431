package tap

// A Fault is what happens to one execution of a statement.
type Fault int

const (
	// Forward passes it on, and its reply back.
	Forward Fault = iota

	// CutBefore closes both ends before any of it reaches the server. The
	// statement has no effect.
	CutBefore

	// CutWithin closes both ends after half of its last message. The statement
	// has no effect.
	CutWithin

	// CutUncommitted passes the execution on but not the Sync that would commit
	// it, and closes both ends. The statement runs and has no effect. A simple
	// query has no Sync: it is CutBefore.
	CutUncommitted

	// LoseReply has the server carry it out and closes the client's end when the
	// server has answered. The statement has its effect.
	LoseReply

	// HalveReply is LoseReply, but the client gets the first message of the
	// answer.
	HalveReply

	// Silence has the server carry it out and keeps the answer, and everything
	// after it, from a client that is left waiting.
	Silence
)

var faultNames = [...]string{"forward", "cut before", "cut within", "cut uncommitted", "lose reply", "halve reply", "silence"}

// String names the fault.
func (f Fault) String() string {
	if f < 0 || int(f) >= len(faultNames) {
		return "unknown"
	}
	return faultNames[f]
}

// Breaks lists every fault but Forward.
func Breaks() []Fault {
	return []Fault{CutBefore, CutWithin, CutUncommitted, LoseReply, HalveReply, Silence}
}

// A Plan decides the fault of one execution of a statement, by its text. It is
// called from several goroutines.
type Plan func(sql string) Fault
