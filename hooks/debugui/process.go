package debugui

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// loaded is as near as a package comes to the start of its program.
var loaded = time.Now()

const poolModule = "github.com/sqlpool/go"

// process is what a reader needs to know which program this is: several look alike
// in several browser tabs. It does not change.
var process = sync.OnceValue(func() Process {
	p := Process{PID: os.Getpid(), Go: runtime.Version(), Started: loaded}
	p.Host, _ = os.Hostname() // a program without a name for its machine has none to show
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return p
	}
	p.Program, p.Version = info.Path, info.Main.Version
	if p.Version == "" || p.Version == "(devel)" {
		p.Version = ""
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				p.Version = s.Value[:12]
			}
		}
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == poolModule && m.Version != "(devel)" {
			p.Pool = m.Version
		}
	}
	return p
})
