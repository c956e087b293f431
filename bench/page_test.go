package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestFillReplacesWhatStandsBetweenMarkers(t *testing.T) {
	r := &Report{Cores: 2, Machine: "linux/amd64", Go: "go1.99", Postgres: "15"}
	page := "before\n<!-- bench:machine -->\nold\n<!-- /bench:machine -->\nafter <!-- bench:unknown -->\n"
	got, err := r.Fill(page)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got, "before\n<!-- bench:machine -->\nMeasured on 2 cores of linux/amd64 with go1.99") ||
		!strings.HasSuffix(got, "\n<!-- /bench:machine -->\nafter <!-- bench:unknown -->\n") || strings.Contains(got, "old") {
		t.Errorf("got %q", got)
	}
	again, err := r.Fill(got)
	if err != nil || again != got {
		t.Errorf("the second time: %q, %v", again, err)
	}
	if _, err := r.Fill("<!-- bench:machine -->\n"); err == nil {
		t.Error("a marker without its end is not seen")
	}
}

func TestAChartIsXMLAndStaysInItsPlace(t *testing.T) {
	c := chart{title: `a < b & "c"`, unit: "ms", places: []string{"1", "8"}, lines: []chartLine{
		{"<one>", []float64{1, 1234}, true}, {"two", []float64{0, 5000}, false},
	}}
	text := c.svg()
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	top := ceiling(c.most())
	for _, l := range c.lines {
		for i, v := range l.values {
			if x, y := c.x(i), c.y(v, top); x < plotLeft || x > plotRight || y < plotTop || y > plotBottom {
				t.Errorf("%v is at %v, %v", v, x, y)
			}
		}
	}
}

func TestCeilings(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 1: 1, 1.1: 1.2, 17: 20, 99: 100, 41000: 60000, 0.3: 0.32} {
		if got := ceiling(v); got < want*0.9999 || got > want*1.0001 {
			t.Errorf("ceiling(%v) is %v, want %v", v, got, want)
		}
	}
}
