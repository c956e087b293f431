package tap

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// message is one message of the frontend/backend protocol (PostgreSQL 17
// manual, chapter 53), as it came.
type message struct {
	kind byte // zero for what opens a connection
	raw  []byte
}

var errSize = errors.New("tap: not a message of PostgreSQL's protocol")

// readStartup reads what opens a connection: a length and no kind.
func readStartup(r *bufio.Reader) (message, error) { return read(r, 0) }

func readMessage(r *bufio.Reader) (message, error) { return read(r, 1) }

func read(r *bufio.Reader, kinds int) (message, error) {
	head, err := r.Peek(kinds + 4)
	if err != nil {
		return message{}, err
	}
	size := int(binary.BigEndian.Uint32(head[kinds:]))
	if size < 4 || size > 1<<28 {
		return message{}, errSize
	}
	m := message{raw: make([]byte, kinds+size)}
	if _, err := io.ReadFull(r, m.raw); err != nil {
		return message{}, err
	}
	if kinds > 0 {
		m.kind = m.raw[0]
	}
	return m, nil
}

// follow keeps the texts of prepared statements and reports whether m executes
// one, and which.
func (l *link) follow(m message) (sql string, executes bool) {
	if m.kind == 0 {
		return "", false
	}
	body := m.raw[5:]
	switch m.kind {
	case 'Q':
		sql, _ = text(body)
		return sql, true
	case 'P': // statement, text, types
		name, rest := text(body)
		l.texts[name], _ = text(rest)
	case 'B': // portal, statement, arguments
		_, rest := text(body)
		name, _ := text(rest)
		l.bound = l.texts[name]
	case 'E':
		return l.bound, true
	case 'C': // 'S' or 'P', name
		if name, _ := text(body[1:]); body[0] == 'S' {
			delete(l.texts, name)
		}
	}
	return "", false
}

// text splits a zero-terminated string off.
func text(b []byte) (string, []byte) {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return string(b), nil
	}
	return string(b[:i]), b[i+1:]
}
