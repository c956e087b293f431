package otelmetric

import (
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/dbconv"
)

// Version is the version of the semantic conventions that the names, units and
// attributes are from. They are marked "development" there: a later version
// may rename them, and then this file and the import above change.
const Version = "1.43.0"

const schemaURL = semconv.SchemaURL

// instruments are the metrics of the conventions, by their constructors: no
// name is written here by hand.
type instruments struct {
	count    dbconv.ClientConnectionCountObservable
	idleMax  dbconv.ClientConnectionIdleMaxObservable
	idleMin  dbconv.ClientConnectionIdleMinObservable
	max      dbconv.ClientConnectionMaxObservable
	pending  dbconv.ClientConnectionPendingRequestsObservable
	timeouts dbconv.ClientConnectionTimeoutsObservable

	// Those of the pool that the conventions do not know.
	leaks  metric.Int64ObservableGauge
	health metric.Int64ObservableGauge
	oldest metric.Float64ObservableGauge

	fleetMax, fleetShare, fleetWanted, fleetFree, fleetMembers metric.Int64ObservableGauge

	createTime dbconv.ClientConnectionCreateTime
	waitTime   dbconv.ClientConnectionWaitTime
	useTime    dbconv.ClientConnectionUseTime
}

// The conventions name no bucket boundaries for these histograms, and the SDK's
// default ones are for milliseconds. A View overrides them.
var (
	fast = metric.WithExplicitBucketBoundaries(
		0, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30)
	slow = metric.WithExplicitBucketBoundaries(
		.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300)
)

func newInstruments(m metric.Meter) (i instruments, err error) {
	var errs [17]error
	i.count, errs[0] = dbconv.NewClientConnectionCountObservable(m)
	i.idleMax, errs[1] = dbconv.NewClientConnectionIdleMaxObservable(m)
	i.idleMin, errs[2] = dbconv.NewClientConnectionIdleMinObservable(m)
	i.max, errs[3] = dbconv.NewClientConnectionMaxObservable(m)
	i.pending, errs[4] = dbconv.NewClientConnectionPendingRequestsObservable(m)
	i.timeouts, errs[5] = dbconv.NewClientConnectionTimeoutsObservable(m)
	i.createTime, errs[6] = dbconv.NewClientConnectionCreateTime(m, fast)
	i.waitTime, errs[7] = dbconv.NewClientConnectionWaitTime(m, fast)
	i.useTime, errs[8] = dbconv.NewClientConnectionUseTime(m, slow)
	i.leaks, errs[9] = m.Int64ObservableGauge("sqlpool.leaks", metric.WithUnit("{loan}"),
		metric.WithDescription("Loans that are out and not used for too long."))
	i.health, errs[10] = m.Int64ObservableGauge("sqlpool.health", metric.WithUnit("{pool}"),
		metric.WithDescription("How callers fare: the pools in each state."))
	i.oldest, errs[11] = m.Float64ObservableGauge("sqlpool.loan.oldest", metric.WithUnit("s"),
		metric.WithDescription("How long the longest loan is out, whether it is used or not; 0 when none is."))
	for n, g := range []struct {
		into              *metric.Int64ObservableGauge
		name, unit, about string
	}{
		{&i.fleetMax, "max", "{connection}", "The most connections that all pools of the group may have together."},
		{&i.fleetShare, "share", "{connection}", "Of those, how many this pool may have now."},
		{&i.fleetWanted, "wanted", "{connection}", "How many this pool would like to have."},
		{&i.fleetFree, "free", "{connection}", "Of those, how many no pool may take without asking; negative above the maximum."},
		{&i.fleetMembers, "members", "{pool}", "The pools of the group."},
	} {
		*g.into, errs[12+n] = m.Int64ObservableGauge("sqlpool.fleet."+g.name, metric.WithUnit(g.unit), metric.WithDescription(g.about))
	}
	return i, errors.Join(errs[:]...)
}

// observed are the instruments that are read at collection.
func (i *instruments) observed() []metric.Observable {
	return []metric.Observable{
		i.count.Inst(), i.idleMax.Inst(), i.idleMin.Inst(), i.max.Inst(), i.pending.Inst(), i.timeouts.Inst(),
		i.leaks, i.health, i.oldest, i.fleetMax, i.fleetShare, i.fleetWanted, i.fleetFree, i.fleetMembers,
	}
}

func poolName(name string) attribute.KeyValue { return semconv.DBClientConnectionPoolName(name) }

var (
	stateIdle = semconv.DBClientConnectionStateIdle
	stateUsed = semconv.DBClientConnectionStateUsed
)
