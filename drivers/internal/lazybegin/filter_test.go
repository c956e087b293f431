package lazybegin

import (
	"bytes"
	"io"
	"testing"
)

// A driver that has read half of a message when it begins gets the other half next: its
// BEGIN goes to the server.
func TestBeginIsNotHeldInTheMiddleOfAMessage(t *testing.T) {
	notice := appendMessage(nil, 'N', "SNOTICE\x00\x00")
	for half := range notice {
		var sent bytes.Buffer
		f := New(bytes.NewReader(append(appendReady(nil, "I"), notice[:half]...)), &sent)
		start(t, f)
		p := make([]byte, 100)
		if n, err := f.Read(p); err != nil || n != 6+half {
			t.Fatal(n, err)
		}
		sent.Reset()
		disarm := f.Arm()
		begin := appendMessage(nil, 'Q', "BEGIN\x00")
		if _, err := f.Write(begin); err != nil {
			t.Fatal(err)
		}
		disarm()
		if f.Held() != (half == 0) || half > 0 && !bytes.Equal(sent.Bytes(), begin) {
			t.Errorf("half %d: held %v, sent %q", half, f.Held(), sent.Bytes())
		}
	}
}

func start(t *testing.T, f *Filter) {
	t.Helper()
	if _, err := f.Write([]byte("\x00\x00\x00\x09\x00\x03\x00\x00\x00")); err != nil {
		t.Fatal(err)
	}
}

// What is no BEGIN of a BeginTx is not held: another text, a part of a message, and
// everything that comes unarmed or on a stream that is encrypted.
func TestOnlyABeginThatIsAwaitedIsHeld(t *testing.T) {
	begin := string(appendMessage(nil, 'Q', "BEGIN\x00"))
	for _, test := range []struct {
		name, first, message string
		armed, held          bool
	}{
		{"a BEGIN", "\x00\x00\x00\x09\x00\x03\x00\x00\x00", begin, true, true},
		{"protocol 3.2", "\x00\x00\x00\x09\x00\x03\x00\x02\x00", begin, true, true},
		{"with options", "\x00\x00\x00\x09\x00\x03\x00\x00\x00", string(appendMessage(nil, 'Q', "begin isolation level serializable\x00")), true, true},
		{"as text of the program", "\x00\x00\x00\x09\x00\x03\x00\x00\x00", begin, false, false},
		{"another text", "\x00\x00\x00\x09\x00\x03\x00\x00\x00", string(appendMessage(nil, 'Q', "SELECT 1\x00")), true, false},
		{"half of it", "\x00\x00\x00\x09\x00\x03\x00\x00\x00", begin[:7], true, false},
		{"and more", "\x00\x00\x00\x09\x00\x03\x00\x00\x00", begin + begin, true, false},
		{"encryption was asked for", "\x00\x00\x00\x08\x04\xd2\x16\x2f", begin, true, false},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", begin, true, false},
	} {
		var sent bytes.Buffer
		f := New(bytes.NewReader(nil), &sent)
		if _, err := f.Write([]byte(test.first)); err != nil {
			t.Fatal(err)
		}
		sent.Reset()
		if test.armed {
			defer f.Arm()()
		}
		if n, err := f.Write([]byte(test.message)); err != nil || n != len(test.message) {
			t.Fatal(n, err)
		}
		if f.Held() != test.held || test.held != (sent.Len() == 0) {
			t.Errorf("%s: held %v, %q was sent", test.name, f.Held(), sent.Bytes())
		}
	}
}

func TestWhatMeansTheSameInTheExtendedProtocol(t *testing.T) {
	for text, want := range map[string]bool{
		"SELECT 1": true,
		" /* who */ -- asks\n insert into t values (';', \"a;b\") ; ": true,
		"WITH x AS (SELECT 1) SELECT * FROM x":                        true,
		"SELECT 1 -- one; two":                                        true,
		"SELECT 1 /* one; /* two; */ three; */ + 1":                   true,
		"SELECT E'a\\'b'":                                             true,
		"SELECT E'a\\'b; SELECT 2'":                                   false,
		"SELECT 'a\\'; DELETE FROM t; --'":                            false,
		"SELECT 1; SELECT 2":                                          false,
		"SELECT 1; -- and":                                            false,
		"SELECT $1":                                                   false,
		"SELECT $$a;b$$":                                              false,
		"SELECT '$1'":                                                 true,
		"SELECT 'open; ":                                              false,
		"SELECT 1 /* ; ":                                              false,
		"COPY t FROM STDIN":                                           false,
		"BEGIN":                                                       false,
		"COMMIT AND CHAIN":                                            false,
		"PREPARE TRANSACTION 'x'":                                     false,
		"FETCH c":                                                     false,
		"selection":                                                   false,
		"":                                                            false,
		"-- ping":                                                     false,
		"SAVEPOINT a":                                                 true,
		"SET LOCAL search_path = a":                                   true,
	} {
		if got := extended(text, false); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string]bool{
		"SELECT updated FROM t FOR UPDATE":                          true,
		"VALUES (1)":                                                true,
		"SAVEPOINT a":                                               true,
		"WITH x AS (SELECT 1) SELECT * FROM x":                      true,
		"WITH x AS (SELECT 1) insert into t SELECT 1":               false,
		"INSERT INTO t VALUES (1)":                                  false,
		"/* a */ update t SET n = 1 RETURNING n":                    false,
		"DELETE FROM t":                                             false,
		"MERGE INTO t USING s ON true WHEN MATCHED THEN DO NOTHING": false,
	} {
		if got := extended(text, true); got != want {
			t.Errorf("%q, for its rows: %v, want %v", text, got, want)
		}
	}
}

func TestWhatEndsATransaction(t *testing.T) {
	for text, want := range map[string]string{
		"COMMIT": "COMMIT", "commit;": "COMMIT", "END": "COMMIT", " End work ; ": "COMMIT",
		"rollback": "ROLLBACK", "ROLLBACK TRANSACTION": "ROLLBACK", "abort": "ROLLBACK",
		"ROLLBACK AND CHAIN": "", "ROLLBACK TO SAVEPOINT a": "", "ROLLBACK TO a": "", "COMMIT PREPARED 'x'": "", "COMMIT; SELECT 1": "", "": "", "commitment": "",
		"COMMIT -- now": "",
	} {
		if got := ends(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// halting takes a number of bytes and then fails.
type halting struct{ left int }

func (w *halting) Write(b []byte) (int, error) {
	n := min(w.left, len(b))
	w.left -= n
	if n < len(b) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// Of a write of which nothing was taken the drivers say that it is safe to try again: not
// when a part of it has left with BEGIN.
func TestAWriteThatFailsHalfwayHasSentSomething(t *testing.T) {
	for sent := range 4 {
		w := &halting{left: 9}
		f := New(bytes.NewReader(nil), w)
		start(t, f)
		disarm := f.Arm()
		if _, err := f.Write(appendMessage(nil, 'Q', "BEGIN\x00")); err != nil {
			t.Fatal(err)
		}
		disarm()
		w.left = sent
		if n, err := f.Write(appendMessage(nil, 'Q', "SELECT 1\x00")); err == nil || (n > 0) != (sent > 0) {
			t.Errorf("%d bytes have left: %d, %v", sent, n, err)
		}
	}
}
