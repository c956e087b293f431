package workload

import "fmt"

// Status is how a check ended.
type Status string

const (
	OK         Status = "ok"          // the rule was kept
	Failed     Status = "failed"      // it was not
	NotCounted Status = "not counted" // it could not be measured here; Detail says why
)

// Check is one rule that a run has kept or not.
type Check struct {
	ID     string `json:"id"`
	Rule   string `json:"rule"`
	Status Status `json:"status"`
	Detail string `json:"detail,omitempty"` // what was found, if the check is not ok
}

// Require returns the check with its outcome: what was found is said only if the rule is broken.
func Require(id, rule string, kept bool, found string, args ...any) Check {
	if kept {
		return Check{ID: id, Rule: rule, Status: OK}
	}
	return Check{ID: id, Rule: rule, Status: Failed, Detail: fmt.Sprintf(found, args...)}
}

// Uncounted returns a check that could not be made, and why.
func Uncounted(id, rule, why string) Check {
	return Check{ID: id, Rule: rule, Status: NotCounted, Detail: why}
}
