package sqlpool

import (
	"fmt"

	"github.com/hashicorp/go-multierror"
)

// CodeResized: there were more connections than Resize allows.
const CodeResized = "resized"

var resized = &Reason{Code: CodeResized}

// Resize changes MaxConns and MinIdle of a running pool. More room is used at
// once by those who wait. With less, idle connections that are too many are
// closed now, those idle longest first, and those in use when their loans end:
// none is cut. Until then there are more connections than MaxConns, and none is
// dialed.
//
// The error is a *multierror.Error of *FieldError, and then nothing has
// changed. Config and Stats tell the limits in force.
func (p *Pool) Resize(maxConns, minIdle int) error {
	if err := validateLimits(maxConns, minIdle); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	p.stats.MaxConns, p.stats.MinIdle = maxConns, minIdle
	for p.slots.Open() > maxConns && p.idle.Len() > 0 {
		c, _ := p.idle.DropOldest()
		p.closeLocked(c, resized)
	}
	p.dialMoreLocked()
	p.changedLocked()
	return nil
}

func validateLimits(maxConns, minIdle int) error {
	var problems *multierror.Error
	if maxConns < 1 {
		problems = multierror.Append(problems, &FieldError{"MaxConns", maxConns,
			"a pool that runs needs a connection", "use a positive number, or Pause"})
	}
	if maxConns > mostConns {
		problems = multierror.Append(problems, tooManyConns(maxConns))
	}
	if minIdle < 0 {
		problems = multierror.Append(problems, &FieldError{"MinIdle", minIdle,
			"it must not be negative", "use a positive number, or 0 for no idle connections kept"})
	}
	if maxConns >= 1 && minIdle > maxConns {
		problems = multierror.Append(problems, &FieldError{"MinIdle", minIdle,
			fmt.Sprintf("it must not exceed MaxConns, which is %d", maxConns), "lower MinIdle or raise MaxConns"})
	}
	return listed(problems)
}
