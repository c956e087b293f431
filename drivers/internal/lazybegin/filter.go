package lazybegin

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Where the BEGIN of the present transaction is.
const (
	passing uint32 = iota // there is none, or the server has begun: all passes as it is
	held                  // it was answered here, and nothing has been sent
	sending               // it was sent, and its answer has not been taken out of the stream yet
	failed                // the server has refused it
	off                   // the stream cannot be read: nothing is ever held
)

// form is how BEGIN was sent.
type form int8

const (
	ahead     form = iota // in front of messages of the extended protocol
	converted             // in front of a simple query, sent in the extended protocol
	alone                 // as a simple query: what the driver has sent waits
	shown                 // as a simple query of the driver's, which gets the answer
)

// step is what is expected of the server next while BEGIN is being sent.
type step int8

const (
	awaitBegin   step = iota // BEGIN's CommandComplete
	awaitReady               // BEGIN's ReadyForQuery
	awaitRows                // of a converted query: what a simple query does not get
	awaitRefusal             // the ReadyForQuery behind BEGIN's error
)

// A Filter is the stream to a server as its driver sees it. One goroutine may read
// while another writes, and a message Terminate may be written at any time; the methods
// are for the goroutine that has the connection.
type Filter struct {
	r io.Reader
	w io.Writer

	// Clean, if set, reports whether the stream is known to be open, with nothing that
	// waits to be read. Otherwise BEGIN is sent alone, so that a dead connection costs
	// no statement.
	Clean func() bool

	// Guard, if set, is called with true when from now on only this Filter may write
	// to the socket, and with false when that has ended.
	Guard func(on bool)

	// The writer's.
	startup bool // the first message has been looked at
	armed   bool // a BEGIN that comes is held
	rows    bool // the driver's caller reads the rows of what is sent
	showing bool // the driver sends the held BEGIN itself

	// From held to passing each ReadyForQuery that says 'I' comes from here, when the
	// driver has ended the transaction: until then it is told 'T' or, of one that has
	// failed, 'E'. So a connection that a driver holds to be idle has no BEGIN in it.
	state atomic.Uint32

	// mu protects what follows. What is written for a transaction from held to passing
	// is written with it held, so that nothing overtakes what is kept.
	mu sync.Mutex

	in  framer // where in the server's messages the driver is
	out []byte // what the filter answers itself, before what is read next

	// Of a transaction from held to passing.
	simple   []byte // its BEGIN, as the driver sent it
	form     form
	step     step
	kind     byte   // of the server's message that is being read
	keep     bool   // that message is the driver's
	sync     framer // where in the driver's messages up to its first Sync
	synced   bool   // that Sync, or a simple query, has been sent
	kept     []byte // what the driver has sent and the server must not see yet
	sent     bool   // something that follows BEGIN may have left
	lost     error  // sending what was kept has failed
	skipping bool   // in a failed transaction: up to a Sync nothing is answered any more
	refusal  []byte // the server's error, when it was the answer to a BEGIN that was shown

	buf []byte // for one write
}

// Fresh is for how long an answer of the server's is taken for a proof that the
// connection works. One that has died without a word to this side, behind a firewall or
// with its host, is found by its BEGIN then, which costs nothing, and not by a statement. It is
// pgx's time as well: package stdlib pings a connection that was idle for longer.
const Fresh = time.Second

// New returns a Filter over a stream of which nothing has been read or written.
func New(r io.Reader, w io.Writer) *Filter { return &Filter{r: r, w: w} }

// Arm has a BEGIN that the driver sends held, until disarm.
func (f *Filter) Arm() (disarm func()) {
	f.armed = true
	return func() { f.armed = false }
}

// Rows says whether the rows of what the driver sends next are read. Some simple queries
// have none in the extended protocol: see extended.
func (f *Filter) Rows(read bool) { f.rows = read }

// Readable reports whether the stream can be read: it is not encrypted above the Filter.
func (f *Filter) Readable() bool { return f.state.Load() != off }

// Held reports whether a BEGIN is held: nothing of its transaction has been sent.
func (f *Filter) Held() bool { return f.state.Load() == held }

// Show calls exec with the text of the held BEGIN, for exec to send it as a simple
// query and to read the answer. When the server refuses, the transaction has failed, and
// its error is the answer to what comes next.
func (f *Filter) Show(exec func(text string)) {
	f.showing = true
	defer func() { f.showing = false }()
	f.mu.Lock()
	text, _ := queryText(f.simple)
	f.mu.Unlock()
	exec(text)
}

// Progress tells how far the transaction that began last has come: begun when the
// server has begun it, sent when something that follows BEGIN may have left.
func (f *Filter) Progress() (begun, sent bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.state.Load() {
	case held:
		return false, false
	case sending:
		return f.step == awaitRows, f.sent
	case failed:
		return false, f.sent
	}
	return true, true
}

func (f *Filter) guard(on bool) {
	if f.Guard != nil {
		f.Guard(on)
	}
}
