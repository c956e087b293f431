//go:build unix

package pgserver

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// lone is what a child process says about the server it started before it is killed.
type lone struct {
	Dir   string
	PID   int
	Busy  int // a backend that outlives its postmaster
	Error string
}

const loneVariable = "SQLPOOL_PGSERVER_TEST_LONE"

// TestMain is the test binary's second life as the process that is killed.
func TestMain(m *testing.M) {
	if how := os.Getenv(loneVariable); how != "" {
		beLone(how)
	}
	os.Exit(m.Run())
}

func beLone(how string) {
	var told lone
	s, err := Start(context.Background(), Options{})
	if err == nil {
		told.Dir, told.PID = s.dir, s.post.pid
		switch how {
		case "paused":
			err = s.Pause()
		case "killed":
			told.Busy, err = busyBackend(s)
			if err == nil {
				err = s.KillPostmaster()
			}
		}
	}
	if err != nil {
		told.Error = err.Error()
	}
	_ = json.NewEncoder(os.Stdout).Encode(told)
	select {} // until killed
}

func TestNothingIsLeftWhenTheTestProcessIsKilled(t *testing.T) {
	for _, how := range []string{"running", "paused", "killed"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), loneVariable+"="+how)
			out, err := child.StdoutPipe()
			must(t, err)
			must(t, child.Start())
			var told lone
			line, err := bufio.NewReader(out).ReadBytes('\n')
			must(t, child.Process.Kill())
			_ = child.Wait()
			must(t, err)
			must(t, json.Unmarshal(line, &told))
			if told.Error != "" {
				t.Fatal(told.Error)
			}
			for _, pid := range []int{told.PID, told.Busy} {
				if pid != 0 {
					eventually(t, fmt.Sprintf("process %d is gone", pid), func() bool { return processGone(pid) })
				}
			}
			eventually(t, told.Dir+" is gone", func() bool { return folderGone(told.Dir) })
		})
	}
}

// busyBackend leaves a backend in a loop that never looks whether the postmaster lives.
func busyBackend(s *Server) (pid int, err error) {
	conn, err := s.dial(context.Background())
	if err != nil {
		return 0, err
	}
	running := make(chan struct{})
	go func() {
		close(running)
		_, _ = conn.Exec(context.Background(), "DO $$BEGIN LOOP END LOOP; END$$").ReadAll()
	}()
	<-running
	for {
		rows, err := s.Query(context.Background(), fmt.Sprintf("SELECT state FROM pg_stat_activity WHERE pid = %d", conn.PID()))
		if err != nil || rows[0][0] == "active" {
			return int(conn.PID()), err
		}
	}
}
