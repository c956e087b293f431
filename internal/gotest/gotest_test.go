package gotest

import (
	"bytes"
	"strings"
	"testing"
)

// One package of each kind: a test that passes, one that is skipped and one that fails; a build that fails; a test binary
// that ends without a word about its tests.
const events = `{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"TestGood"}
{"Action":"output","Package":"a","Test":"TestGood","Output":"well\n"}
{"Action":"pass","Package":"a","Test":"TestGood"}
{"Action":"skip","Package":"a","Test":"TestLater"}
{"Action":"output","Package":"a","Test":"TestBad","Output":"badly\n"}
{"Action":"fail","Package":"a","Test":"TestBad"}
{"Action":"fail","Package":"a"}
{"ImportPath":"b","Action":"build-output","Output":"b.go:1: no\n"}
{"ImportPath":"b","Action":"build-fail"}
{"Action":"fail","Package":"b","FailedBuild":"b"}
{"Action":"output","Package":"c","Output":"panic: here\n"}
{"Action":"fail","Package":"c"}
{"Action":"pass","Package":"d"}
`

func TestEventsAreCounted(t *testing.T) {
	var log bytes.Buffer
	r, err := read(strings.NewReader(events), &log)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Passed) != 1 || !r.Passed["a TestGood"] || len(r.Skipped) != 1 || len(r.Failed) != 3 ||
		!r.Failed["a TestBad"] || !r.Failed["b "] || !r.Failed["c "] {
		t.Errorf("%+v", r)
	}
	if calm, _ := read(strings.NewReader(strings.ReplaceAll(events, "panic:", "I said panic:")), &bytes.Buffer{}); !r.Panicked || calm.Panicked {
		t.Errorf("panicked: %v, and %v without a panic", r.Panicked, calm.Panicked)
	}
	for _, want := range []string{"badly", "b.go:1", "panic: here"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "well") {
		t.Errorf("the log tells of what passed:\n%s", log.String())
	}
}
