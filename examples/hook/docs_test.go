package hook_test

import (
	"os"
	"regexp"
	"testing"
)

// The guide shows these two files, word for word and nothing else: what it
// tells a reader to write has been compiled and run.
func TestTheGuideIsTheseFiles(t *testing.T) {
	guide, err := os.ReadFile("../../docs/writing-a-hook.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```").FindAllStringSubmatch(string(guide), -1)
	files := []string{"tidy_test.go", "example_test.go"}
	if len(blocks) != len(files) {
		t.Fatalf("%d blocks of Go in the guide, want one for each of %v", len(blocks), files)
	}
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if blocks[i][1] != string(text) {
			t.Errorf("block %d of docs/writing-a-hook.md differs from %s", i+1, file)
		}
	}
}
