//go:build unix

package pgserver

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// copyTree copies a folder of plain files to a path that does not exist yet and hands every copy to owner, for it alone. A
// copy, not hard links: the server writes into its files in place, and every server would write into the template.
func copyTree(to, from string, owner account) error {
	return copyFiles(to, from, owner, false)
}

// copyLive is copyTree for the data folder of a server that runs. It leaves out what [keptOut] says and what has gone
// meanwhile, such as the file of a dropped table, of which the WAL tells.
func copyLive(to, from string, owner account) error {
	return copyFiles(to, from, owner, true)
}

func copyFiles(to, from string, owner account, live bool) error {
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(from, path) // cannot fail: path begins with from
		if err == nil && live && keptOut(name) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if err == nil {
			err = copyEntry(filepath.Join(to, name), path, entry, owner)
		}
		if live && name != "." && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("pgserver: copying %s: %w", from, err)
	}
	return nil
}

func copyEntry(to, from string, entry fs.DirEntry, owner account) error {
	if entry.IsDir() {
		if err := os.Mkdir(to, 0o700); err != nil {
			return err
		}
		return owner.own(to)
	}
	if !entry.Type().IsRegular() {
		return fmt.Errorf("%s is no plain file", from)
	}
	read, err := os.Open(from)
	if err != nil {
		return err
	}
	defer read.Close()
	write, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(write, read)
	if err := errors.Join(err, write.Close()); err != nil {
		return err
	}
	return owner.own(to)
}
