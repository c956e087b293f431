package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestSoak(t *testing.T) {
	began := time.Now()
	status, stdout, stderr := start(t, nil, "soak", "--duration", "2s", "--seed", "7", "--json")
	if status != exitOK {
		t.Errorf("status %d: %s", status, stderr)
	}
	var result soakResult
	decoder := json.NewDecoder(strings.NewReader(stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&result); err != nil {
		t.Fatalf("%v in %q", err, stdout)
	}
	if !result.OK || result.Error != "" || len(result.Drivers) != 2 {
		t.Errorf("got %s", stdout)
	}
	for i, d := range result.Drivers {
		if d.Driver != allDrivers[i].name || d.Seed != 7 || d.Faulted == 0 || d.Acknowledged == 0 {
			t.Errorf("driver %d: %+v", i, d)
		}
	}
	plainProgress(t, stderr, time.Since(began), len(result.Drivers))
}
