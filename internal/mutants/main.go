package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// folders are the code that is measured: the pool, the drivers and the hooks, but not
// the modules inside these.
const folders = "sqlpool,drivers,hooks/health,hooks/leak,hooks/recycle,hooks/resetter,hooks/slogger"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "draws the sample; the same seed draws the same changes of the same code")
	sample := flag.Int("n", 60, "how many changes that build are tried")
	where := flag.String("in", folders, "the folders whose code is changed")
	limit := flag.Duration("limit", 4*time.Minute, "how long the tests may take for one change")
	least := flag.Float64("least", 0, "end with status 1 when a smaller share is caught, for example 0.95")
	only := flag.String("only", "", "try the changes whose name has this text, instead of a sample")
	list := flag.Bool("list", false, "print the sample and try nothing")
	flag.Parse()
	share, err := measure(ctx, *seed, *sample, strings.Split(*where, ","), *only, *list, *limit)
	if err == nil && share < *least {
		err = fmt.Errorf("%.1f %% were caught, and %.1f %% must be", 100*share, 100**least)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// measure tries a sample and returns the share that was caught.
func measure(ctx context.Context, seed uint64, sample int, folders []string, only string, list bool, limit time.Duration) (float64, error) {
	root, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	changes, err := all(root, folders)
	if err != nil {
		return 0, err
	}
	reasons, err := equivalents(filepath.Join(root, "internal", "mutants", "equivalent.txt"))
	if err != nil {
		return 0, err
	}
	if err := stale(changes, reasons); err != nil {
		return 0, err
	}
	scratch, err := os.MkdirTemp("", "sqlpool-mutants-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(scratch)
	fmt.Printf("seed %d, %d changes are possible\n", seed, len(changes))
	r := &runner{root: root, scratch: scratch, limit: limit}
	counts := map[outcome]int{}
	tried := func() int { return counts[caught] + counts[hangs] + counts[survived] }
	for _, c := range draw(changes, seed) {
		if only != "" && !strings.Contains(c.String(), only) {
			continue
		}
		if tried()+counts[equivalent] >= sample && only == "" {
			break
		}
		if reason, ok := reasons[c.key()]; ok {
			counts[equivalent]++
			fmt.Printf("%-10s %s\n           %s\n", equivalent, c, reason)
			continue
		}
		if list {
			counts[survived]++
			fmt.Println(c)
			continue
		}
		start := time.Now()
		o, by, err := r.try(ctx, c)
		if err != nil {
			return 0, err
		}
		if counts[o]++; o != unbuilt {
			fmt.Printf("%-10s %s (%s, %v)\n", o, c, by, time.Since(start).Round(time.Second))
		}
	}
	n := tried()
	if n == 0 {
		return 0, fmt.Errorf("nothing was tried")
	}
	share := float64(n-counts[survived]) / float64(n)
	fmt.Printf("\n%d of %d changes were caught: %.1f %% (seed %d; %d equivalent and %d that did not build are not counted)\n",
		n-counts[survived], n, 100*share, seed, counts[equivalent], counts[unbuilt])
	return share, nil
}

// stale refuses a list of equivalent changes that has one which is possible no more:
// the code has changed, and with it perhaps the reason.
func stale(changes []change, reasons map[string]string) error {
	possible := map[string]bool{}
	for _, c := range changes {
		possible[c.key()] = true
	}
	for key := range reasons {
		folder, _, _ := strings.Cut(key, "/")
		if !possible[key] && strings.Contains(strings.Join(folderNames(changes), " "), folder) {
			return fmt.Errorf("equivalent.txt has %q, which is no change of the code as it stands: take it out, or write it anew", key)
		}
	}
	return nil
}

func folderNames(changes []change) (names []string) {
	seen := map[string]bool{}
	for _, c := range changes {
		if folder, _, _ := strings.Cut(c.file, "/"); !seen[folder] {
			seen[folder] = true
			names = append(names, folder)
		}
	}
	return names
}
