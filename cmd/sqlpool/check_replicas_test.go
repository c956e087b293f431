package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sqlpool/go/internal/pgserver"
)

// Each server of pool_replicas is told by itself, and why it is not read from.
func TestCheckTellsOfEachReplica(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{PasswordAuth: true})
	if err := server.Exec(t.Context(), "CREATE ROLE app LOGIN PASSWORD 'hunter2'"); err != nil {
		t.Fatal(err)
	}
	standby, err := server.StartStandby(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = standby.Close() }()
	as := server.TCP()
	as.User, as.Password = "app", "hunter2"
	replica, itself, nothing := fmt.Sprintf("%s:%d", standby.TCP().Host, standby.TCP().Port), fmt.Sprintf("%s:%d", as.Host, as.Port), "127.0.0.1:1"

	found := checked(t, exitOK, as.With("pool_replicas", replica+","+itself+","+nothing).URL("postgres"))
	if len(found.Replicas) != 3 {
		t.Fatalf("%+v", found.Replicas)
	}
	if r := found.Replicas[0]; r.Server != replica || !r.Fit || r.Reason != "" {
		t.Errorf("%+v", r)
	}
	for i, want := range map[int]struct{ server, reason string }{1: {itself, "it is not in recovery"}, 2: {nothing, "refused"}} {
		if r := found.Replicas[i]; r.Server != want.server || r.Fit || !strings.Contains(r.Reason, want.reason) {
			t.Errorf("%+v, want %s", r, want.reason)
		}
	}
	if got := ids(found, change, "replicas"); got != " " {
		t.Errorf("with one that is read from, check advises %s", got)
	}

	dsn := as.With("pool_replicas", nothing).URL("postgres")
	if found := checked(t, exitOK, dsn); ids(found, change, "replicas") != "replicas " {
		t.Errorf("%+v", found.Advice)
	}
	_, stdout, _ := start(t, nil, "check", dsn)
	if !strings.Contains(stdout, "\nreplicas\n        127.0.0.1:1              is not read from\n            it does not answer: ") || !strings.Contains(stdout, "no server of it can be read from") {
		t.Error(stdout)
	}
	_, stdout, _ = start(t, nil, "check", as.With("pool_replicas", replica).URL("postgres"))
	if !strings.Contains(stdout, replica) || !strings.Contains(stdout, "is read from; ") {
		t.Error(stdout)
	}
	if found := checked(t, exitOK, as.URL("postgres")); found.Replicas != nil {
		t.Errorf("%+v", found.Replicas)
	}
}
