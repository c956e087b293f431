//go:build unix

package pgserver

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// copyTree copies a folder of plain files to a path that does not exist yet and hands every copy to owner, for it alone. A
// copy, not hard links: the server writes into its files in place, and every server would write into the template.
func copyTree(to, from string, owner account) error {
	err := os.CopyFS(to, os.DirFS(from))
	if err == nil {
		err = filepath.WalkDir(to, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			mode := fs.FileMode(0o600)
			if entry.IsDir() {
				mode = 0o700
			}
			if err := os.Chmod(path, mode); err != nil {
				return err
			}
			return owner.own(path)
		})
	}
	if err != nil {
		return fmt.Errorf("pgserver: copying %s: %w", from, err)
	}
	return nil
}
