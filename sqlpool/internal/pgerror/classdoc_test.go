package pgerror

import (
	"os"
	"strings"
	"testing"
)

// The table of docs/operations.md is the one in the code.
func TestTheTableOfClassesIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range stateClasses {
		if want := "| `" + row.state + "` | " + row.class.String() + " | " + row.why + " |"; !strings.Contains(string(text), want) {
			t.Errorf("docs/operations.md lacks the row\n%s", want)
		}
	}
}
