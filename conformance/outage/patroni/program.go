//go:build unix

package patroni

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/sqlpool/go/internal/pgserver"
)

//go:embed missing.txt
var missing string

// ErrNoProgram says what this machine lacks, and what to do about it.
// scripts/patroni prints the same sentence from the same file.
var ErrNoProgram = errors.New(strings.TrimSpace(missing))

// programs are the paths of what a cluster runs.
type programs struct{ patroni, etcd, haproxy, postgres string }

// find looks on PATH and where Debian's packages put them.
func find(ctx context.Context) (programs, error) {
	server, err := pgserver.Find(ctx)
	if err != nil {
		return programs{}, err
	}
	p := programs{postgres: server.Dir}
	for name, to := range map[string]*string{"patroni": &p.patroni, "etcd": &p.etcd, "haproxy": &p.haproxy} {
		for _, path := range []string{name, "/usr/bin/" + name, "/usr/sbin/" + name} {
			if found, err := exec.LookPath(path); err == nil {
				*to = found
				break
			}
		}
		if *to == "" {
			return p, ErrNoProgram
		}
	}
	return p, nil
}

// Versions says which programs a cluster is made of.
func Versions(ctx context.Context) (string, error) {
	p, err := find(ctx)
	if err != nil {
		return "", err
	}
	var said []string
	for _, program := range [][]string{{p.patroni, "--version"}, {p.etcd, "--version"}, {p.haproxy, "-v"}} {
		out, err := exec.CommandContext(ctx, program[0], program[1]).Output()
		if err != nil {
			return "", fmt.Errorf("patroni: %s: %w", program[0], err)
		}
		line, _, _ := strings.Cut(string(out), "\n")
		for word := range strings.FieldsSeq(line) {
			if word[0] >= '0' && word[0] <= '9' {
				said = append(said, word)
				break
			}
		}
	}
	if len(said) != 3 {
		return "", fmt.Errorf("patroni: the programs' versions are not understood: %q", said)
	}
	return fmt.Sprintf("Patroni %s, etcd %s and HAProxy %s", said[0], said[1], said[2]), nil
}
