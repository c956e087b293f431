//go:build unix

package pgserver

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// freeze stops a process and reports whether it is still there to be killed. One that is on its way out, or a zombie that
// its parent has not waited for, is not.
func freeze(pid int) bool {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return false
	}
	for {
		state, err := processState(pid)
		if err != nil || state == "" || strings.ContainsAny(state[:1], "ZX") {
			return false
		}
		if strings.ContainsAny(state[:1], "Tt") {
			return true
		}
		time.Sleep(time.Millisecond) // the kernel sends no signal when it has stopped one
	}
}

// processState is the letter that ps shows, T for stopped.
func processState(pid int) (string, error) {
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
		_, after, _ := strings.Cut(string(text), ") ")
		return after, nil
	}
	out, err := exec.Command("ps", "-o", "state=", "-p", strconv.Itoa(pid)).Output()
	return strings.TrimSpace(string(out)), err
}
