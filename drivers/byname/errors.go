package byname

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/go-multierror"
)

// A SettingError is one pool setting that cannot be used. sql.Open, Open and
// Config report all of them inside one *multierror.Error.
type SettingError struct {
	Name   string // as it was written: a pool_ parameter or a POOL_ variable
	Source string // SourceDSN, SourceDatabaseURL, SourceEnvironment, SourceOption or SourceDefault
	Value  string // as it was written, or "(not shown)" when it is nothing that a setting could be and might be a secret
	Rule   string // what is wrong with it
	Remedy string // what to do about it
}

// Where a setting can come from.
const (
	SourceDSN         = "connection string"
	SourceDatabaseURL = "DATABASE_URL" // the connection string in that variable
	SourceEnvironment = "environment"  // a variable of the setting's own
	SourceOption      = "option"       // Setting, given to Open or Config
	SourceDefault     = "default"
)

// Error implements error: the setting, its value, where it stands, what is wrong
// with it and what to do, in one line.
func (e *SettingError) Error() string {
	where := "in the " + e.Source
	switch e.Source {
	case SourceDatabaseURL:
		where = "in DATABASE_URL"
	case SourceOption:
		where = "in an option"
	case SourceDefault:
		where = "by default"
	}
	return fmt.Sprintf("drivers: %s is %s %s: %s; %s", e.Name, quoted(e.Value), where, e.Rule, e.Remedy)
}

const notShown = "(not shown)"

// quoted is what harmless returned, as it stands in a sentence.
func quoted(value string) string {
	if value == notShown {
		return value
	}
	return strconv.Quote(value)
}

// harmless returns the text if it has the look of a setting's name or value.
// Where a connection string is written wrongly, a password can end up in the
// place of either ("pool_max_conns= password=x" is one setting).
func harmless(text string) string {
	odd := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._+-", r))
	}
	if len(text) > 63 || strings.ContainsFunc(text, odd) {
		return notShown
	}
	return text
}

// shown is the text of a setting's value if it has the look of one.
func (s *setting) shown(text string) string {
	if s.value.kind != serverList || len(text) > 512 {
		return harmless(text)
	}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(",:[] ", r) }) {
		if harmless(part) == notShown {
			return notShown
		}
	}
	return text
}

// problems is all that is wrong with one call's settings.
type problems []error

func (p *problems) add(err error) { *p = append(*p, err) }

// err returns nil, the one problem that is no setting's, or all of them.
func (p problems) err() error {
	var bad *SettingError
	switch {
	case len(p) == 0:
		return nil
	case len(p) == 1 && !errors.As(p[0], &bad):
		return p[0]
	}
	all := multierror.Append(nil, p...)
	all.ErrorFormat = list
	return all
}

func list(errs []error) string {
	var b strings.Builder
	if len(errs) > 1 {
		fmt.Fprintf(&b, "drivers: %d problems:", len(errs))
	}
	for _, err := range errs {
		if len(errs) > 1 {
			b.WriteString("\n\t* ")
		}
		b.WriteString(err.Error())
	}
	return b.String()
}
