//go:build unix

package pgserver

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestTemplateIsMadeOnceByConcurrentStarts(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	programs, err := Find(limited(t))
	must(t, err)
	user, err := serverAccount()
	must(t, err)
	var all sync.WaitGroup
	made := make([]os.FileInfo, 3)
	for i := range made {
		all.Go(func() {
			path, err := cachedTemplate(limited(t), programs, user, cache)
			if err != nil {
				t.Error(err)
				return
			}
			made[i], err = os.Stat(path)
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, info := range made {
		if info == nil || !os.SameFile(info, made[0]) {
			t.Fatal("two templates were made")
		}
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "*.unfinished")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestUnfinishedTemplateIsNotUsed(t *testing.T) {
	cache := t.TempDir()
	programs, err := Find(limited(t))
	must(t, err)
	user, err := serverAccount()
	must(t, err)
	must(t, os.MkdirAll(filepath.Join(cache, templateName(programs)+".unfinished", "half"), 0o700))
	path, err := cachedTemplate(limited(t), programs, user, cache)
	must(t, err)
	for name, want := range map[string]bool{"PG_VERSION": true, "half": false} {
		if _, err := os.Stat(filepath.Join(path, name)); (err == nil) != want {
			t.Errorf("%s in the template: %v, want %v", name, err == nil, want)
		}
	}
}
