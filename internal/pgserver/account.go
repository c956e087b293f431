//go:build unix

package pgserver

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is the user that the server's programs run as. PostgreSQL refuses to run as root, so root (a container's usual
// user) hands them, and the folder they work in, to an unprivileged one.
type account struct {
	switching bool // false: the programs run as this process's own user
	uid, gid  int
}

func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.Atoi(found.Uid)
		gid, errGID := strconv.Atoi(found.Gid)
		// macOS gives the user nobody the uid -2, which no credential can hold.
		if errUID == nil && errGID == nil && uid > 0 && gid >= 0 {
			return account{switching: true, uid: uid, gid: gid}, nil
		}
	}
	return account{}, fmt.Errorf("pgserver: PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}

// prepare makes cmd run as the account, in a session of its own, so that a ^C at the terminal reaches the test and not the
// server, and without the caller's PG* and locale variables.
func (a account) prepare(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if a.switching {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	return cmd
}

// run runs one program to its end in dir and returns what it printed as part of the error.
func (a account) run(ctx context.Context, dir, program string, args ...string) error {
	cmd := a.prepare(exec.CommandContext(ctx, program, args...))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pgserver: %s: %w: %s", filepath.Base(program), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// own hands a file or folder to the account.
func (a account) own(path string) error {
	if !a.switching {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// newFolder makes a folder that only the account (and root) can enter: the server's socket lies in it and trusts every
// client that reaches it.
func (a account) newFolder() (string, error) {
	dir, err := os.MkdirTemp(a.base(), "sqlpool-pg-")
	if err != nil {
		return "", fmt.Errorf("pgserver: %w", err)
	}
	if err := a.own(dir); err != nil {
		_ = os.Remove(dir)
		return "", fmt.Errorf("pgserver: %w", err)
	}
	return dir, nil
}

// base is the folder for temporary folders: os.TempDir, unless its name is too long for a socket's address (104 bytes on
// macOS, 108 on Linux) or the account could not work in it.
func (a account) base() string {
	const room = len("/sqlpool-pg-4294967295/.s.PGSQL.65535") + 1
	dir := os.TempDir()
	if len(dir)+room > 104 || !filepath.IsAbs(dir) || (a.switching && !openToAll(dir)) {
		return "/tmp"
	}
	return dir
}

// openToAll says whether any user may create files in dir and reach it from the root.
func openToAll(dir string) bool {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	need := os.FileMode(0o003)
	for {
		info, err := os.Stat(real)
		if err != nil || info.Mode().Perm()&need != need {
			return false
		}
		if real == filepath.Dir(real) {
			return true
		}
		real, need = filepath.Dir(real), 0o001
	}
}
