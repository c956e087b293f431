package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sqlpool/go/internal/gotest"
)

// A source is where a project's tests come from, at a version that does not change.
type source struct {
	version string
	fetch   func(ctx context.Context, to string) error // into a folder that does not exist yet
}

// module is a module's own tests, through the module proxy.
func module(path, version string) source {
	return source{version: version, fetch: func(ctx context.Context, to string) error {
		out, err := gotest.Output(ctx, os.TempDir(), "go", "mod", "download", "-json", path+"@"+version)
		if err != nil {
			return err
		}
		var module struct{ Dir string }
		if err := json.Unmarshal(out, &module); err != nil {
			return err
		}
		return writableCopy(to, module.Dir)
	}}
}

// repository is for tests that stand in a module of their own without a version: no module proxy has it, a tag of the
// repository does. To take it from a copy nearby, set git's url.<base>.insteadOf.
func repository(url, tag string) source {
	return source{version: tag, fetch: func(ctx context.Context, to string) error {
		_, err := gotest.Output(ctx, os.TempDir(), "git", "-c", "advice.detachedHead=false", "clone", "--quiet", "--depth=1", "--branch="+tag, url, to)
		return err
	}}
}

// writableCopy copies a folder; what the module cache holds is not writable.
func writableCopy(to, from string) error {
	if from == "" {
		return fmt.Errorf("go mod download has named no folder")
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return filepath.WalkDir(to, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(file, 0o755)
		}
		return os.Chmod(file, info.Mode().Perm()|0o600)
	})
}
