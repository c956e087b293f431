package reread

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestAFileThatHangsHoldsNoDialUp: a network's file system may not answer for hours.
func TestAFileThatHangsHoldsNoDialUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer, reads := make(chan struct{}), new(atomic.Int32)
		s := New("first", func() (string, error) {
			reads.Add(1)
			<-answer
			return "second", nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if got, err := s.Latest(ctx); got != "first" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%q, %v: want the last one at the end of the context", got, err)
		}
		begin := time.Now()
		var dials sync.WaitGroup
		for range 20 {
			dials.Go(func() {
				if got, err := s.Latest(t.Context()); got != "first" || err == nil || !strings.Contains(err.Error(), "not read within 1s") {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
		dials.Wait()
		if took := time.Since(begin); took > Patience {
			t.Errorf("20 dials took %v", took)
		}
		if begin = time.Now(); s.Last() != "first" || time.Since(begin) != 0 {
			t.Error("Last waits for the file")
		}
		if _, err := s.Latest(t.Context()); err == nil || time.Since(begin) != 0 {
			t.Errorf("a later dial waits %v", time.Since(begin))
		}
		if reads.Load() != 1 {
			t.Errorf("%d readings at once", reads.Load())
		}
		close(answer)
		synctest.Wait()
		if got, err := s.Latest(t.Context()); got != "second" || err != nil {
			t.Errorf("the file is back: %q, %v", got, err)
		}
	})
}

// TestADialReadsWhatIsThereWhenItBegins: also when another one's reading is under way.
func TestADialReadsWhatIsThereWhenItBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var content atomic.Pointer[string]
		set := func(s string) { content.Store(&s) }
		set("old")
		s := New("", func() (string, error) {
			read := *content.Load()
			time.Sleep(100 * time.Millisecond)
			return read, nil
		})
		go s.Latest(t.Context())
		time.Sleep(50 * time.Millisecond)
		set("new")
		if got, err := s.Latest(t.Context()); got != "new" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestAnEnvironmentThatChangesIsSaid: the files are not read then, and the error of a
// connect that fails tells why.
func TestAnEnvironmentThatChangesIsSaid(t *testing.T) {
	t.Setenv("PGPASSWORD", "hunter2")
	s := New("first", func() (string, error) { return "again", nil })
	if got, err := s.Latest(t.Context()); got != "again" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	os.Unsetenv("PGPASSWORD")
	t.Setenv("PGUSER", "else")
	got, err := s.Latest(t.Context())
	if got != "again" || err == nil || !strings.Contains(err.Error(), "(PGPASSWORD, PGUSER)") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%q, %v: want the last one and the names of what has changed", got, err)
	}
	os.Setenv("PGPASSWORD", "hunter2")
	os.Unsetenv("PGUSER")
	if _, err := s.Latest(t.Context()); err != nil {
		t.Errorf("the environment is as it was: %v", err)
	}
}
