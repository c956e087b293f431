package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sqlpool/go/internal/pgserver"
)

// A password that was not encoded is torn apart, and its parts go for parameters, for
// hosts and for ports. Package drivers tests all the ways; here is what check makes of
// the errors, and of the server's own.
func TestCheckShowsNoPartOfAPassword(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{PasswordAuth: true})
	if err := server.Exec(t.Context(), "CREATE ROLE app LOGIN PASSWORD 'other'"); err != nil {
		t.Fatal(err)
	}
	at := server.TCP()
	hostPort := fmt.Sprintf("%s:%d", at.Host, at.Port)
	for _, password := range []string{"correct&horse-staple", "correct&horse=staple", "correct&pool_horse=staple", "4711/horse", "4711?horse", "4711#horse", "4711@horse"} {
		for _, dsn := range []string{
			"postgres://app:" + password + "@" + hostPort + "/postgres?sslmode=disable",
			"postgres://" + hostPort + "/postgres?user=app&sslmode=disable&password=" + password,
			fmt.Sprintf("host=%s port=%d user=app dbname=postgres sslmode=disable password=%s", at.Host, at.Port, strings.ReplaceAll(password, "&", " ")),
		} {
			for _, form := range []string{"--json=false", "--json"} {
				status, stdout, stderr := start(t, nil, "check", form, dsn)
				if status == exitOK {
					t.Errorf("%q let check in", dsn)
				}
				for _, part := range []string{"correct", "horse", "staple", "4711"} {
					if strings.Contains(stdout+stderr, part) {
						t.Errorf("check %s %q shows %q: %s%s", form, dsn, part, stdout, stderr)
					}
				}
			}
		}
	}
}
