package secret

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/lib/pq"
)

// Broken holds connection strings that a driver refuses, with the password
// "hunter2xyz" in each place where one can stand.
var broken = []string{
	"postgres://u:hunter2xyz@h:port/db",
	"postgres://u:hunter2xyz@h:99999999/db",
	"postgres://u:hun/ter2xyz@h/db",
	"postgres://u:hunter2xyz%@h/db",
	"postgres://u:hunter2 xyz@h/db",
	"postgres://u:hun@ter2xyz@h:x/db",
	"postgres://u:hun#ter2xyz@h/db",
	"postgres://u:hun?ter2xyz@h:y/db",
	"postgres://u:hunter2xyz/db",
	"postgres://u:hunter2xyz",
	"postgres://u:hun/ter2xyz/db?sslmode=disable",
	"postgres://h:port/db?password=hunter2xyz",
	"postgres://h/db?sslmode=bogus&password=hunter2xyz",
	"postgres://h/db?password=hunter2xyz&connect_timeout=soon",
	"postgres://h/db?pass%77ord=hunter2xyz&sslmode=bogus",
	"host=h password=hunter2xyz port=none",
	"host=h password='hunter2xyz port=5432",
	"host=h password=hunter2 xyz",
	"host=h password = 'hunter2xyz' sslmode=bogus",
	`host=h password=hunter2\`,
	"password=hunter2xyz junk",
	"host=h sslpassword=hunter2xyz sslmode=bogus",
	"host=h user=u sslmode=require sslcert='-----BEGIN CERTIFICATE-----' sslkey='-----BEGIN PRIVATE KEY-----\nhunter2xyz\n-----END PRIVATE KEY-----'",
}

var parsers = map[string]func(string) error{
	"pgx": func(s string) error { _, err := pgx.ParseConfig(s); return err },
	"pq":  func(s string) error { _, err := pq.NewConfig(s); return err },
}

func TestNoPartOfAPasswordIsInAnError(t *testing.T) {
	for name, parse := range parsers {
		refused := 0
		for _, dsn := range broken {
			err := parse(dsn)
			if err == nil {
				continue
			}
			refused++
			got := Scrub(dsn, err).Error()
			for _, piece := range []string{"hun", "ter2", "xyz"} {
				if strings.Contains(got, piece) {
					t.Errorf("%s, %q: %q shows %q", name, dsn, got, piece)
				}
			}
		}
		if refused < len(broken)/2 {
			t.Errorf("%s refuses %d of %d: the list tests nothing", name, refused, len(broken))
		}
	}
}

func TestAHarmlessReasonIsKept(t *testing.T) {
	dsn := "postgres://u:hunter2xyz@h/db?connect_timeout=soon"
	_, err := pgx.ParseConfig(dsn)
	if got := Scrub(dsn, err).Error(); !strings.Contains(got, "invalid connect_timeout") {
		t.Errorf("the reason is lost: %q", got)
	}
	cause := &url.Error{Op: "parse", URL: "postgres://u:hunter2xyz@h", Err: errors.New("invalid port")}
	if got := Scrub(cause.URL, cause).Error(); !strings.HasSuffix(got, "invalid port") {
		t.Errorf("the reason is lost: %q", got)
	}
}

// The parameter that could not be read is named where its value may not be.
func TestTheParameterIsNamed(t *testing.T) {
	for dsn, want := range map[string]string{
		"host=h password=hunter2xyz sslmode=bogus":             ", at sslmode; the reason is withheld",
		"host=h password=hunter2xyz connect_timeout=soon":      ", at connect_timeout; the reason is withheld",
		"host=h password=hunter2xyz port=none":                 ", at port; the reason is withheld",
		"host=h password=hunter2xyz target_session_attrs=any2": ", at target_session_attrs; the reason is withheld",
		"host=h password=hunter2xyz min_protocol_version=9":    ", at min_protocol_version; the reason is withheld",
		"host=h password=hunter2xyz sslrootcert='/hunter2 xyz": "string; the reason is withheld",
	} {
		for name, parse := range parsers {
			err := parse(dsn)
			if err == nil {
				t.Errorf("%s takes %q", name, dsn)
				continue
			}
			got := Scrub(dsn, err).Error()
			if !strings.Contains(got, want) || strings.Contains(got, "hunter2") {
				t.Errorf("%s, %q: %q, want %q", name, dsn, got, want)
			}
		}
	}
	if got := Scrub("host=h password=hunter2xyz", errors.New("invalid hunter: hunter2xyz")).Error(); strings.Contains(got, "hunter") {
		t.Error(got)
	}
}

// A URL is refused where a part of its password goes for something else, and only
// there.
func TestTornURLs(t *testing.T) {
	const both, first, last = "both", "pgx", "pq"
	for dsn, on := range map[string]string{
		"postgres://u:12/3@h/db": both, "postgres://u:12?x=3@h/db": last, "postgres://u:12#3@h/db": last, "postgres://u:1@2@h/db": first,
		"postgres://u:a@b#@h/db": last + first, "postgres://u:a/b@c@h/db": both, "postgres://u:p@h/db?x=@y": both,

		"postgres://u:p@h/db": "", "postgres://u@h:5432/db?application_name=me@here": "", "postgres://h:5432/db?user=u@corp&password=p@ss": "",
		"postgres://u:p@h/db?app.user=a@b&options=-c%20x=@": "", "postgres://u:p?x@h/db": last, "host=h password=a@b": "", "postgres://u@h/d@b": "",
		"postgres://[::1]:5432/db": "", "postgres://u:p@h1:1,h2:2/db?sslmode=disable": "",
	} {
		for name, firstAt := range map[string]bool{first: true, last: false} {
			want := on == both || strings.Contains(on, name)
			if err := Torn(dsn, firstAt); (err != nil) != want {
				t.Errorf("%s: %s: %v, want an error: %v", name, dsn, err, want)
			}
		}
	}
}
