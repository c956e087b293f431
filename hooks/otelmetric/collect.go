package otelmetric

import (
	"context"
	"time"

	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/sqlpool"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// series are the pools that share their attributes: usually one, two while one
// is replaced by another.
type series struct {
	pools    []member
	timeouts uint64 // of pools that are gone: a counter must not fall

	all, idle, used metric.ObserveOption
	health          [len(health.States)]metric.ObserveOption
}

// member is a pool with what else tells of it.
type member struct {
	*sqlpool.Pool
	Sources
}

func (m *Metrics) add(p member, set attribute.Set) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.series[set.Equivalent()]
	if s == nil {
		with := func(state attribute.KeyValue) metric.ObserveOption {
			return metric.WithAttributeSet(attribute.NewSet(append(set.ToSlice(), state)...))
		}
		s = &series{all: metric.WithAttributeSet(set), idle: with(stateIdle), used: with(stateUsed)}
		for i := range s.health {
			s.health[i] = with(attribute.String("sqlpool.health.state", health.State(i).String()))
		}
		m.series[set.Equivalent()] = s
	}
	s.sum() // forgets pools that are gone, in case no reader collects
	s.pools = append(s.pools, p)
}

// totals is what a series reports.
type totals struct {
	idle, used, most, least, waiting int64
	timeouts                         uint64

	health     [len(health.States)]int64
	leaks      int64
	tellsLeaks bool
	oldest     time.Duration
	fleet      *fleet.Status // of the newest pool that shares a limit
}

// sum adds up the pools and lets go of those that are closed and empty.
func (s *series) sum() totals {
	t := totals{}
	live := s.pools[:0]
	for _, p := range s.pools {
		now := p.Stats()
		if now.State == sqlpool.StateClosed && now.Open == 0 {
			s.timeouts += now.TimeoutCount
			continue
		}
		live = append(live, p)
		t.idle += int64(now.Idle)
		t.used += int64(now.InUse)
		t.most += int64(now.MaxConns)
		t.least += int64(p.Config().MinIdle)
		t.waiting += int64(now.Waiting)
		t.timeouts += now.TimeoutCount
		t.health[p.Health.Status().State]++
		if p.Leaks != nil {
			t.tellsLeaks = true
			t.leaks += int64(p.Leaks.Leaks())
		}
		if p.Fleet != nil {
			shared := p.Fleet.Status()
			t.fleet = &shared
		}
		for _, h := range p.Holders() {
			t.oldest = max(t.oldest, h.Held)
		}
	}
	clear(s.pools[len(live):])
	s.pools = live
	t.timeouts += s.timeouts
	return t
}

func (m *Metrics) collect(_ context.Context, o metric.Observer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.series {
		t := s.sum()
		o.ObserveInt64(m.timeouts.Inst(), int64(t.timeouts), s.all)
		if len(s.pools) == 0 {
			continue
		}
		o.ObserveInt64(m.count.Inst(), t.idle, s.idle)
		o.ObserveInt64(m.count.Inst(), t.used, s.used)
		o.ObserveInt64(m.idleMax.Inst(), t.most, s.all)
		o.ObserveInt64(m.idleMin.Inst(), t.least, s.all)
		o.ObserveInt64(m.max.Inst(), t.most, s.all)
		o.ObserveInt64(m.pending.Inst(), t.waiting, s.all)
		for i, n := range t.health {
			o.ObserveInt64(m.health, n, s.health[i])
		}
		if t.tellsLeaks {
			o.ObserveInt64(m.leaks, t.leaks, s.all)
		}
		if f := t.fleet; f != nil {
			o.ObserveInt64(m.fleetMax, int64(f.Limit), s.all)
			o.ObserveInt64(m.fleetShare, int64(f.Share), s.all)
			o.ObserveInt64(m.fleetWanted, int64(f.Want), s.all)
			o.ObserveInt64(m.fleetFree, int64(f.Free), s.all)
			o.ObserveInt64(m.fleetMembers, int64(len(f.Members)), s.all)
		}
		o.ObserveFloat64(m.oldest, t.oldest.Seconds(), s.all)
	}
	return nil
}
