package bench

import (
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Report is a run.
type Report struct {
	Machine  string            `json:"machine"`
	Go       string            `json:"go"`
	Cores    int               `json:"cores"`
	Postgres string            `json:"postgres"`
	Modules  map[string]string `json:"modules"`
	Rounds   int               `json:"rounds"`
	Short    bool              `json:"short,omitempty"` // too little time for figures that can be trusted
	Partial  bool              `json:"partial,omitempty"`
	Took     time.Duration     `json:"took_ns"`
	Figures  []Figure          `json:"figures"`
}

// Find returns a ratio, or a count when against is empty.
func (r *Report) Find(workload, contender, against string, m measure) (Figure, bool) {
	i := slices.IndexFunc(r.Figures, func(f Figure) bool {
		return f.Workload == workload && f.Contender == contender && f.Against == against && f.Measure == m
	})
	if i < 0 {
		return Figure{}, false
	}
	return r.Figures[i], true
}

// isOurs says whether a contender is this module's.
func isOurs(name string) bool { return strings.HasPrefix(name, "sqlpool") }

// machine names the processor where the system tells.
func machine() string {
	name := runtime.GOOS + "/" + runtime.GOARCH
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return name
	}
	if _, rest, ok := strings.Cut(string(text), "model name"); ok {
		line, _, _ := strings.Cut(rest, "\n")
		name += ", " + strings.TrimSpace(strings.TrimLeft(line, "\t :"))
	}
	return name
}

// newReport says where the figures are from.
func newReport(o Options) *Report {
	r := &Report{
		Machine: machine(), Go: runtime.Version(), Cores: runtime.NumCPU(),
		Rounds: o.Rounds, Short: o.Short, Partial: o.Only != nil || o.Cells != nil || o.Contenders != nil || o.Busy > 0, Modules: map[string]string{},
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return r
	}
	for _, m := range info.Deps {
		switch m.Path {
		case "github.com/jackc/pgx/v5", "github.com/jackc/puddle/v2", "github.com/lib/pq":
			r.Modules[m.Path] = m.Version
		}
	}
	return r
}
