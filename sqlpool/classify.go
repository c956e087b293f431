package sqlpool

import "github.com/sqlpool/go/sqlpool/internal/pgerror"

// A Class says what an error means for the connection it came from and for the
// rest of the pool.
type Class int

const (
	// ClassUnknown leaves the decision to the pool's own table.
	ClassUnknown = Class(pgerror.Unknown)

	// ClassStatement is the statement's own failure: the connection stays.
	ClassStatement = Class(pgerror.Statement)

	// ClassConn ends this connection and says nothing about others, for
	// example an idle-session timeout of the server.
	ClassConn = Class(pgerror.Conn)

	// ClassFatal ends this connection and puts every other one under suspicion:
	// each is proved alive before it is lent again.
	ClassFatal = Class(pgerror.Fatal)

	// ClassReadOnly is a write refused by a server that is not, or no longer,
	// the primary. The connection is retired and the others come under
	// suspicion, so that the next dial can find the primary.
	ClassReadOnly = Class(pgerror.ReadOnly)

	// ClassUnavailable is a dial that met a server which cannot take a
	// connection now and may later: starting up, shutting down, full.
	ClassUnavailable = Class(pgerror.Unavailable)

	// ClassPermanent is a dial that waiting does not mend: a wrong password, a
	// database that does not exist. Acquires fail at once.
	ClassPermanent = Class(pgerror.Permanent)
)

// String returns the class's name in lower case.
func (c Class) String() string { return pgerror.Class(c).String() }

// classify returns the class of an error that a statement or a dial returned, and
// whether it is Config.Classify that says so. The caller's own cancellation is
// ClassStatement: it is never evidence against the server, whatever it did to the
// connection.
func (p *Pool) classify(err error) (class Class, explicit bool) {
	if c := p.askClassify(err); c != ClassUnknown {
		return c, true
	}
	return Class(pgerror.Classify(err)), false
}

// noteReadOnly counts a statement that was refused because the server only reads.
func (p *Pool) noteReadOnly(err error) {
	text := err.Error()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.ReadOnlyCount++
	p.noteErrorLocked(text)
}

// askClassify calls Config.Classify. Its panic must not end the process.
func (p *Pool) askClassify(err error) (class Class) {
	if p.cfg.Classify == nil {
		return ClassUnknown
	}
	var panicked error
	defer func() {
		if panicked != nil {
			p.noteError(panicked)
		}
	}()
	defer catch("Classify", &panicked)
	return p.cfg.Classify(err)
}

// hideBadConn returns err, or a copy of its text when it unwraps to
// driver.ErrBadConn.
func hideBadConn(err error) error { return pgerror.HideBadConn(err) }
