//go:build unix

package outage

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sqlpool/go/conformance/outage/ledger"
)

// Figures are what one fault did to the callers of one contender. Durations are
// in milliseconds.
type Figures struct {
	Fault  string `json:"fault"` // Fault.Name
	Driver string `json:"driver"`
	Pool   string `json:"pool"`

	Statements int `json:"statements"` // that returned from the fault on; in a shortage, of the callers that count
	Errors     int `json:"errors"`     // of these
	Dials      int `json:"dials"`      // begun from the fault on

	// Possible is how many statements could have been served in a shortage (see
	// Stage); zero in any other fault.
	Possible int `json:"possible,omitempty"`

	// From the moment the server accepts again: until the first statement is
	// served, and until the first of each caller's that was followed by no error.
	// Negative: not within the patience. Not in a shortage.
	FirstSuccess float64 `json:"first_success_ms"`
	FullService  float64 `json:"full_service_ms"`

	WorstOverrun float64 `json:"worst_overrun_ms"` // of a statement's deadline; 0 when all were met
	Stuck        int     `json:"stuck"`            // calls that had not returned long after their deadline
	Noise        float64 `json:"noise_ms"`         // how late the machine woke a goroutine at worst

	PeakConns      int `json:"peak_connections"` // sessions on the server that takes writes at the end
	ConnsLeft      int `json:"connections_left"` // after the contender was closed
	GoroutinesLeft int `json:"goroutines_left"`
	Doubled        int `json:"written_twice"`
	Lost           int `json:"acknowledged_and_lost"`
	Ghosts         int `json:"failed_and_written"`

	Messages []string `json:"errors_seen,omitempty"` // the most frequent, with their counts
}

// patience is how long a contender may take to serve every caller again.
const patience = 25 * time.Second

// count counts the callers' writes. overdue is by how much one that has not
// returned has outlasted its deadline.
func (f *Figures) count(tries []Try, overdue time.Duration) {
	messages := make(map[string]int)
	f.WorstOverrun = max(f.WorstOverrun, millis(overdue))
	for _, t := range tries {
		f.Statements++
		f.WorstOverrun = max(f.WorstOverrun, millis(t.Late()))
		if t.Err != nil {
			f.Errors++
			messages[brief(t.Err)]++
		}
	}
	f.Messages = frequent(messages, 5)
}

// recovery computes when the callers were served again, from their writes since
// the fault.
func (f *Figures) recovery(tries []Try, accepted time.Time, callers int) {
	first, full := time.Duration(-1), time.Duration(0)
	firstServed := make([]time.Time, callers) // of the streak that lasted
	slices.SortFunc(tries, func(a, b Try) int { return a.Returned.Compare(b.Returned) })
	for _, t := range tries {
		switch {
		case t.Err != nil:
			firstServed[t.Caller] = time.Time{}
			continue
		case t.Returned.Before(accepted):
			continue
		}
		if first < 0 {
			first = t.Returned.Sub(accepted)
		}
		if firstServed[t.Caller].IsZero() {
			firstServed[t.Caller] = t.Returned
		}
	}
	for _, at := range firstServed {
		if at.IsZero() {
			full = -1
			break
		}
		full = max(full, at.Sub(accepted))
	}
	f.FirstSuccess, f.FullService = millis(first), millis(full)
	if first < 0 {
		f.FirstSuccess = -1
	}
	if full < 0 {
		f.FullService = -1
	}
}

// Served is how many statements were served.
func (f *Figures) Served() int { return f.Statements - f.Errors }

func (f *Figures) audit(a ledger.Audit) {
	f.Doubled, f.Lost, f.Ghosts = len(a.Doubled), len(a.Lost), len(a.Ghosts)
}

func millis(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}

var (
	address = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+(:\d+)?`)
	number  = regexp.MustCompile(`connection \d+`)
	waited  = regexp.MustCompile(`after \d[\d.]*(s|ms|µs)`)
)

// brief is an error's text without what differs each time.
func brief(err error) string {
	text := err.Error()
	if i := strings.Index(text, "; of "); i > 0 { // sqlpool's counts
		text = text[:i]
	}
	text = address.ReplaceAllString(text, "address")
	text = number.ReplaceAllString(text, "connection N")
	text = waited.ReplaceAllString(text, "after a time")
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return text
}

func frequent(counts map[string]int, most int) []string {
	texts := make([]string, 0, len(counts))
	for text := range counts {
		texts = append(texts, text)
	}
	slices.SortFunc(texts, func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	texts = texts[:min(len(texts), most)]
	for i, text := range texts {
		texts[i] = fmt.Sprintf("%d× %s", counts[text], text)
	}
	return texts
}
