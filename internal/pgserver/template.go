//go:build unix

package pgserver

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// initdbArgs make a cluster that is the same on every machine and small enough to copy for every test binary.
var initdbArgs = []string{
	"--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--wal-segsize=4",
}

// createData fills dir/data. What initdb makes is kept in the user's cache folder, per version and arguments, and copied:
// initdb takes a second or two of processor time, a copy only as long as the file system needs to create a thousand files.
// Without a cache folder initdb runs each time.
func createData(ctx context.Context, p Programs, a account, dir string) error {
	data := filepath.Join(dir, "data")
	cache, err := os.UserCacheDir()
	if err != nil {
		return initdb(ctx, p, a, dir, data)
	}
	template, err := cachedTemplate(ctx, p, a, filepath.Join(cache, "sqlpool", "pgserver"))
	if err != nil {
		return err
	}
	return copyTree(data, template, a)
}

// cachedTemplate returns the template's folder and makes it first when it is missing: under a temporary name and then
// renamed, so that a half-made one is never used, and under a lock, so that test binaries that start together do the work
// once.
func cachedTemplate(ctx context.Context, p Programs, a account, cache string) (string, error) {
	template := filepath.Join(cache, templateName(p))
	if _, err := os.Stat(template); err == nil {
		return template, nil
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", fmt.Errorf("pgserver: %w", err)
	}
	unlock, err := lockFile(template + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(template); !errors.Is(err, fs.ErrNotExist) {
		return template, err // another process made it while this one waited for the lock
	}
	// initdb's user may not be able to enter the cache folder, so it works in a folder of its own.
	work, err := a.newFolder()
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	data := filepath.Join(work, "data")
	if err := initdb(ctx, p, a, work, data); err != nil {
		return "", err
	}
	unfinished := template + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return "", fmt.Errorf("pgserver: %w", err)
	}
	if err := copyTree(unfinished, data, account{}); err != nil {
		return "", err
	}
	if err := os.Rename(unfinished, template); err != nil {
		return "", fmt.Errorf("pgserver: %w", err)
	}
	return template, nil
}

func initdb(ctx context.Context, p Programs, a account, dir, data string) error {
	return a.run(ctx, dir, p.path("initdb"), append([]string{"--pgdata=" + data}, initdbArgs...)...)
}

// templateName differs for whatever would make initdb's result differ.
func templateName(p Programs) string {
	sum := fnv.New64a()
	_, _ = fmt.Fprint(sum, p.Dir, p.Version, strings.Join(initdbArgs, " "))
	return fmt.Sprintf("initdb-%016x", sum.Sum64())
}

// lockFile waits for an exclusive lock, which the kernel drops when its holder dies.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("pgserver: locking %s: %w", path, err)
	}
	return func() { _ = f.Close() }, nil
}
