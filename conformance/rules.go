package conformance

import "slices"

// Rules returns all rules in the order of the report.
func Rules() []Rule {
	return slices.Concat(
		sqlRules,
		acquireRules,
		dialRules,
		hookRules,
		resetRules,
		recycleRules,
		inventoryRules,
		outageRules,
		leakRules,
		overloadRules,
		adminRules,
		observeRules,
		configRules,
		replicaRules,
	)
}
