//go:build unix

package pgserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// processes lists all processes of this server, also those whose postmaster is dead. They are known by their title, which
// carries cluster_name, the base of the server's folder; a parent's id would be lost with the parent.
func (s *Server) processes() []int {
	name := filepath.Base(s.dir)
	var pids []int
	for pid, command := range commandLines() {
		program, _, _ := strings.Cut(command, " ")
		if strings.HasPrefix(filepath.Base(program), "postgres") && strings.Contains(command, name) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// commandLines reads /proc where it exists (a small container has no ps) and asks ps elsewhere.
func commandLines() map[int]string {
	commands := map[int]string{}
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if pid, bad := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && bad == nil {
			commands[pid] = strings.ReplaceAll(string(text), "\x00", " ")
		}
	}
	if len(files) > 0 {
		return commands
	}
	out, _ := exec.Command("ps", "-A", "-o", "pid=", "-o", "command=").Output()
	for line := range strings.Lines(string(out)) {
		number, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		if pid, err := strconv.Atoi(number); err == nil {
			commands[pid] = command
		}
	}
	return commands
}
