package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/sqlpool/go/internal/gotest"
)

// prepare makes the copy in dir a module that builds beside the pool. Both runs require what the pool requires, so that both
// have the same versions of the drivers.
func (s suite) prepare(ctx context.Context, dir string, words *strings.Replacer, all ...changes) error {
	for _, c := range all {
		if err := c.apply(dir, words); err != nil {
			return err
		}
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	_, err = gotest.Output(ctx, filepath.Join(dir, s.module), "go", "mod", "edit", "-go=1.25.0", "-toolchain=none",
		"-require=github.com/sqlpool/go@v0.1.0", "-replace=github.com/sqlpool/go="+here,
		"-require=github.com/jackc/pgx/v5@"+pgxStdlib.source.version, "-require=github.com/lib/pq@"+libpq.source.version)
	return err
}

func (c changes) apply(dir string, words *strings.Replacer) error {
	for _, name := range c.remove {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	for _, p := range c.patches {
		file := filepath.Join(dir, p.file)
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if !bytes.Contains(text, []byte(p.old)) {
			return fmt.Errorf("%s has no %q: the patch is for another version", p.file, p.old)
		}
		if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte(p.old), []byte(words.Replace(p.new))), 0o600); err != nil {
			return err
		}
	}
	for name, graft := range c.grafts {
		text, err := grafts.ReadFile(path.Join("graft", graft))
		if err != nil {
			return err
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
