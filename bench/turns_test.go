package bench

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestRatiosAreOfTheSameRound(t *testing.T) {
	l := &lab{report: &Report{}}
	n := 0.0
	turn := func(factor float64) func(context.Context) (sample, error) {
		return func(context.Context) (sample, error) {
			n++
			return sample{perOp: factor * math.Ceil(n/2)}, nil // all slower in each round than in the one before
		}
	}
	entrants := []entrant{{"a", "a", turn(1)}, {"b", "a", turn(3)}}
	found, err := l.take(t.Context(), "w", 5, entrants)
	if err != nil {
		t.Fatal(err)
	}
	l.compare("w", found, entrants, false, perOp)
	f, ok := l.report.Find("w", "b", "a", perOp)
	if !ok || f.Value != 3 || f.Low != 3 || f.High != 3 || f.Own != 9 {
		t.Errorf("%+v", f)
	}
}

func TestMeansAreGeometric(t *testing.T) {
	got := means([][]float64{{1, 4}, {4, 9}})
	if math.Abs(got[0]-2) > 1e-9 || math.Abs(got[1]-6) > 1e-9 {
		t.Errorf("got %v", got)
	}
}

func TestQuantiles(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0: 1, 0.25: 2, 0.5: 3, 0.75: 4, 1: 5, 0.125: 1.5} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is a number")
	}
}

func TestAStretchEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	_, err := stretch(t.Context(), load{4, time.Minute, 1}, func(_ context.Context, g, n int) error {
		if g == 2 && n == 10 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestEveryVerdictHasAWord(t *testing.T) {
	for _, v := range (&Report{}).budget() {
		if v.String() != "not measured" || v.shown() != "–" {
			t.Errorf("%s: %s, %s", v.what, v, v.shown())
		}
	}
	b := bar{holds: atMost(1)}
	if got := (verdict{b, 1, true}).String(); got != "holds" {
		t.Error(got)
	}
	if got := (verdict{b, 1.01, true}).String(); !strings.Contains(got, "missed") {
		t.Error(got)
	}
}
