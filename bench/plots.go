package bench

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

// Plot draws the report's charts into a folder.
func (r *Report) Plot(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	var errs []error
	for name, c := range r.charts() {
		if len(c.lines) > 0 { // it was measured
			errs = append(errs, os.WriteFile(filepath.Join(folder, name), []byte(c.svg()), 0o644))
		}
	}
	return errors.Join(errs...)
}

// charts are the report's, by the name of their file.
func (r *Report) charts() map[string]chart {
	return map[string]chart{
		"bench-pgx.svg":   r.throughputChart("One argument over a unix socket, 10 connections: pgx", "pgx"),
		"bench-pq.svg":    r.throughputChart("One argument over a unix socket, 10 connections: lib/pq", "lib/pq"),
		"bench-waits.svg": r.waitsChart(),
	}
}

// throughputChart is throughput against goroutines.
func (r *Report) throughputChart(title, driver string) chart {
	c := chart{title: title, unit: "operations per second, by goroutines"}
	for _, n := range callers {
		c.places = append(c.places, strconv.Itoa(n))
	}
	for _, contender := range Contenders {
		if contender.Driver != driver {
			continue
		}
		var values []float64
		for _, n := range callers {
			if f, ok := r.Find(cell{unixSocket, Argument, n}.String(), contender.Name, contender.Against, throughput); ok {
				values = append(values, f.Own)
			}
		}
		if len(values) == len(callers) {
			c.lines = append(c.lines, chartLine{contender.Name, values, contender.Name == SqlpoolPgx || contender.Name == SqlpoolPq})
		}
	}
	return c
}

// waitsChart is how unequally callers wait.
func (r *Report) waitsChart() chart {
	c := chart{
		title: "Waits of 64 callers on 4 connections, held 1 ms each", unit: "ms",
		places: []string{string(p50), string(p90), string(p99), string(slowest)},
	}
	for _, b := range bares {
		if _, ok := r.Find(waitingName, b.name, "", p50); !ok {
			continue
		}
		var values []float64
		for _, m := range []measure{p50, p90, p99, slowest} {
			values = append(values, r.own(waitingName, b.name, m))
		}
		c.lines = append(c.lines, chartLine{b.name, values, b.name == bareSqlpool})
	}
	return c
}
