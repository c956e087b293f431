package libpq

import (
	"encoding/binary"
	"strings"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// lastWords returns the error with which a server ends a connection
// ("terminating connection due to administrator command"), if b, read from the
// socket, begins with it. lib/pq parses it, says ErrBadConn and forgets it.
//
// A server that ends an idle connection sends it on its own, so a look at the
// first byte of each read finds it. Under TLS nothing does. Data could look like
// it by chance, so it explains a connection that has failed and decides nothing.
func lastWords(b []byte) *pq.Error {
	if len(b) < 7 || b[0] != 'E' {
		return nil
	}
	end := uint64(binary.BigEndian.Uint32(b[1:])) + 1
	if end < 7 || end > uint64(len(b)) || b[end-1] != 0 || b[end-2] != 0 {
		return nil
	}
	words := &pq.Error{}
	for field := range strings.SplitSeq(string(b[5:end-2]), "\x00") {
		if field == "" {
			return nil
		}
		switch value := field[1:]; field[0] {
		case 'V':
			words.Severity = value // as S, in English whatever lc_messages says
		case 'C':
			words.Code = pqerror.Code(value)
		case 'M':
			words.Message = value
		}
	}
	if words.Severity != pqerror.SeverityFatal && words.Severity != pqerror.SeverityPanic {
		return nil
	}
	return words
}

func (c *conn) listen(b []byte) {
	if words := lastWords(b); words != nil {
		c.words.Store(words)
	}
}
