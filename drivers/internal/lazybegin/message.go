package lazybegin

import (
	"bytes"
	"encoding/binary"
)

// head is the length of what every message but the first one begins with: its kind,
// and its length without the kind.
const head = 5

// A framer finds the ends of messages in a stream that comes in pieces.
type framer struct {
	head   [head]byte
	have   int // bytes of head
	left   int // bytes of the body that are still to come
	broken bool
}

// between reports whether the stream is at the beginning of a message.
func (f *framer) between() bool { return f.have == 0 && !f.broken }

// next returns how many of the bytes that follow belong to the present message.
func (f *framer) next(b []byte) int {
	if f.broken {
		return len(b)
	}
	n := 0
	if f.have < head {
		n = copy(f.head[f.have:], b)
		f.have += n
		if f.have < head {
			return n
		}
		size := int64(binary.BigEndian.Uint32(f.head[1:]))
		if size < head-1 || size > 1<<31-1 {
			f.broken = true
			return len(b)
		}
		f.left = int(size) - (head - 1)
	}
	body := min(f.left, len(b)-n)
	f.left -= body
	if f.left == 0 {
		f.have = 0
	}
	return n + body
}

// skip follows the stream over all of b.
func (f *framer) skip(b []byte) {
	for len(b) > 0 {
		if f.have == 0 && len(b) >= head && !f.broken {
			if size := int64(binary.BigEndian.Uint32(b[1:])) + 1; size >= head && size <= int64(len(b)) {
				b = b[size:]
				continue
			}
		}
		b = b[f.next(b):]
	}
}

// whole splits off the first message of b. ok is false while it is not complete.
func whole(b []byte) (message, rest []byte, ok bool) {
	if len(b) < head {
		return nil, b, false
	}
	size := int64(binary.BigEndian.Uint32(b[1:])) + 1
	if size < head || size > int64(len(b)) {
		return nil, b, false
	}
	return b[:size], b[size:], true
}

// queryText returns the text of a message that is a simple query.
func queryText(message []byte) (text string, ok bool) {
	if len(message) <= head || message[0] != 'Q' {
		return "", false
	}
	body := message[head:]
	if bytes.IndexByte(body, 0) != len(body)-1 {
		return "", false
	}
	return string(body[:len(body)-1]), true
}

// appendMessage appends a message whose body is made of the parts.
func appendMessage(b []byte, kind byte, parts ...string) []byte {
	size := head - 1
	for _, part := range parts {
		size += len(part)
	}
	b = binary.BigEndian.AppendUint32(append(b, kind), uint32(size))
	for _, part := range parts {
		b = append(b, part...)
	}
	return b
}

// appendExecution appends the messages that execute a text without parameters in
// the extended protocol, on the unnamed statement and portal, up to Execute.
func appendExecution(b []byte, text string, describe bool) []byte {
	b = appendMessage(b, 'P', "\x00", text, "\x00", "\x00\x00")
	b = appendMessage(b, 'B', "\x00", "\x00", "\x00\x00", "\x00\x00", "\x00\x00") // all results as text
	if describe {
		b = appendMessage(b, 'D', "P", "\x00")
	}
	return appendMessage(b, 'E', "\x00", "\x00\x00\x00\x00")
}

// appendReady appends ReadyForQuery.
func appendReady(b []byte, status string) []byte { return appendMessage(b, 'Z', status) }

// isTerminate reports whether b is the driver's goodbye.
func isTerminate(b []byte) bool { return len(b) == head && b[0] == 'X' }

// isStartup reports whether b begins as a startup message of version 3 does. A
// request for encryption, and TLS itself, do not.
func isStartup(b []byte) bool { return len(b) >= 8 && b[0] < 'A' && b[4] == 0 && b[5] == 3 }
