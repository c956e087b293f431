package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// all finds the changes of every file under the folders, tests apart.
func all(root string, folders []string) ([]change, error) {
	var found []change
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && path != filepath.Join(root, folder) && isModule(path):
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			file, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			changes, err := changesOf(filepath.ToSlash(file), path)
			found = append(found, changes...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// isModule says that a folder is a module of its own.
func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

// draw puts the changes in an order that the seed decides.
func draw(changes []change, seed uint64) []change {
	drawn := slices.Clone(changes)
	rand.New(rand.NewPCG(seed, seed)).Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	return drawn
}

// equivalents reads the list of changes that are no fault: a line "change | reason"
// for each.
func equivalents(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reasons := map[string]string{}
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndex(line, " | ")
		if at < 0 || strings.TrimSpace(line[at+3:]) == "" {
			return nil, fmt.Errorf("%s:%d: %q has no reason: want \"change | reason\"", path, n, line)
		}
		reasons[strings.TrimSpace(line[:at])] = strings.TrimSpace(line[at+3:])
	}
	return reasons, lines.Err()
}
