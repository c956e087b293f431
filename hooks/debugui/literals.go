package debugui

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/sqlpool/go/internal/sqltext"
)

// statement returns a statement's text as it may be shown: on one line, without
// its constants and comments. Programs that build statements by hand put values
// into them, which must not be shown; without them a statement also looks
// the same at each execution. It leaves out text that it cannot parse.
func (u *UI) statement(text string) string {
	if u.cfg.HideStatements || text == "" {
		return ""
	}
	const enough = 16 << 10 // a bulk INSERT need not be read to its end
	s := scanner{text: cut(strings.ToValidUTF8(text, "?"), enough)}
	s.run()
	return cut(strings.TrimSpace(s.out.String()), 1000)
}

// scanner walks over a statement by PostgreSQL's lexical rules.
type scanner struct {
	text string
	out  strings.Builder
}

var (
	// sqlc and others name their statements so; the name is the best part.
	title  = regexp.MustCompile(`^\s*name:\s*(\w+)`)
	dollar = regexp.MustCompile(`^\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$`)
	number = regexp.MustCompile(`^(?:0[xXoObB][\da-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)`)
	word   = regexp.MustCompile(`^[A-Za-z_\x80-\xff][\w$\x80-\xff]*`)
	param  = regexp.MustCompile(`^\$\d+`)
)

func (s *scanner) run() {
	for s.text != "" {
		switch c := s.text[0]; {
		case strings.HasPrefix(s.text, "--"), sqltext.OpensBlock(s.text):
			comment, rest, ok := sqltext.CutComment(s.text)
			if !ok {
				s.stop()
				return
			}
			s.comment(comment)
			s.text = rest
		case c == '\'':
			s.quoted(false)
		case c == '"':
			end := strings.IndexByte(s.text[1:], '"')
			if end < 0 {
				s.stop()
				return
			}
			s.keep(end + 2)
		case c == '$':
			s.dollar()
		case c >= '0' && c <= '9', c == '.' && len(s.text) > 1 && s.text[1] >= '0' && s.text[1] <= '9':
			s.skip(len(number.FindString(s.text)))
			s.out.WriteByte('?')
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			s.space()
			s.skip(1)
		default:
			s.word()
		}
	}
}

// word copies a name or a sign. A name may be the prefix of a string: E”, B”.
func (s *scanner) word() {
	name := word.FindString(s.text)
	if name == "" {
		_, size := utf8.DecodeRuneInString(s.text)
		s.keep(size)
		return
	}
	if len(s.text) > len(name) && s.text[len(name)] == '\'' {
		s.skip(len(name))
		s.quoted(strings.EqualFold(name, "e"))
		return
	}
	s.keep(len(name))
}

// quoted leaves a string out, which begins here. Whether a backslash escapes is
// a setting of the server's: outside E” one before a quote makes the rest of
// the statement unclear, and nothing more of it is shown.
func (s *scanner) quoted(escapes bool) {
	for i := 1; i < len(s.text); i++ {
		switch s.text[i] {
		case '\\':
			if escapes {
				i++
			} else if i+1 < len(s.text) && s.text[i+1] == '\'' {
				s.stop()
				return
			}
		case '\'':
			if i+1 < len(s.text) && s.text[i+1] == '\'' {
				i++
				continue
			}
			s.skip(i + 1)
			s.out.WriteByte('?')
			return
		}
	}
	s.stop()
}

// dollar is a parameter, which is kept, or a string between two tags.
func (s *scanner) dollar() {
	if p := param.FindString(s.text); p != "" {
		s.keep(len(p))
		return
	}
	tag := dollar.FindString(s.text)
	if tag == "" {
		s.keep(1)
		return
	}
	end := strings.Index(s.text[len(tag):], tag)
	if end < 0 {
		s.stop()
		return
	}
	s.skip(len(tag) + end + len(tag))
	s.out.WriteByte('?')
}

func (s *scanner) comment(text string) {
	if name := title.FindStringSubmatch(text); name != nil {
		s.out.WriteString("/* " + name[1] + " */ ")
		return
	}
	s.space()
}

// stop gives up: what follows could be anything.
func (s *scanner) stop() {
	s.out.WriteString("…")
	s.text = ""
}

func (s *scanner) keep(n int) {
	s.out.WriteString(clean(s.text[:n]))
	s.skip(n)
}

func (s *scanner) skip(n int) { s.text = s.text[n:] }

func (s *scanner) space() {
	if sofar := s.out.String(); sofar != "" && !strings.HasSuffix(sofar, " ") {
		s.out.WriteByte(' ')
	}
}
