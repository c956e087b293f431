//go:build !linux

package bench

import "time"

func rest(d time.Duration) { time.Sleep(d) }
