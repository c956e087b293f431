//go:build unix

package bouncer

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

//go:embed missing.txt
var missing string

// ErrNoProgram says that this machine has no PgBouncer, and what to do about
// it. scripts/pgbouncer prints the same sentence from the same file.
var ErrNoProgram = errors.New(strings.TrimSpace(missing))

// find looks in $SQLPOOL_PGBOUNCER, then on PATH, then where packages put it.
func find() (string, error) {
	if path := os.Getenv("SQLPOOL_PGBOUNCER"); path != "" {
		if _, err := exec.LookPath(path); err != nil {
			return "", fmt.Errorf("SQLPOOL_PGBOUNCER: %w", err)
		}
		return path, nil
	}
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer", "/usr/local/bin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoProgram
}
