package library_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/examples/library"
	"github.com/sqlpool/go/mocks/faultpool"
)

// serve sends one request to the service.
func serve(t *testing.T, shelf library.Shelf, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	library.Handler(shelf).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), method, target, nil))
	return answer
}

func TestTheServiceLends(t *testing.T) {
	eachMode(t, austen, func(t *testing.T, on mode) {
		on.expect(func(mock sqlmock.Sqlmock) {
			mock.ExpectBegin()
			mock.ExpectQuery("SELECT lent").WillReturnRows(sqlmock.NewRows([]string{"lent"}).AddRow(false))
			mock.ExpectExec("UPDATE").WillReturnResult(written)
			mock.ExpectExec("INSERT").WillReturnResult(written)
			mock.ExpectCommit()
			mock.ExpectQuery("SELECT").WillReturnRows(sqlmock.NewRows(columns).AddRow(1, "Emma", true))
			mock.ExpectBegin()
			mock.ExpectQuery("SELECT lent").WillReturnRows(sqlmock.NewRows([]string{"lent"}).AddRow(true))
			mock.ExpectRollback()
		})
		shelf := library.Shelf{DB: on.db}
		if a := serve(t, shelf, "POST", "/books/1/loans?reader=Jane"); a.Code != http.StatusCreated {
			t.Error(a.Code, a.Body)
		}
		a := serve(t, shelf, "GET", "/books?word=Emma")
		if got := strings.TrimSpace(a.Body.String()); a.Code != http.StatusOK || got != `[{"id":1,"title":"Emma","lent":true}]` {
			t.Error(a.Code, got)
		}
		if a := serve(t, shelf, "POST", "/books/1/loans?reader=Anne"); a.Code != http.StatusConflict {
			t.Error(a.Code, a.Body)
		}
		if a := serve(t, shelf, "POST", "/books/one/loans"); a.Code != http.StatusBadRequest {
			t.Error(a.Code, a.Body)
		}
	})
}

// The service's answers to a pool that fails. No server can be asked for these,
// so they run on a mock in every mode.
func TestTheServiceSaysWhenToComeBack(t *testing.T) {
	db, mock, faults, err := faultpool.New(t)
	if err != nil {
		t.Fatal(err)
	}
	shelf := library.Shelf{DB: db}
	for name, fault := range map[string]struct {
		set   func()
		retry string
	}{
		"time out":  {faults.TimeOut, "1"},
		"saturated": {faults.Saturate, "1"},
		"down":      {func() { faults.TakeDown(nil) }, "10"},
	} {
		fault.set()
		a := serve(t, shelf, "GET", "/books")
		if a.Code != http.StatusServiceUnavailable || a.Header().Get("Retry-After") != fault.retry {
			t.Errorf("%s: %d, Retry-After %q", name, a.Code, a.Header().Get("Retry-After"))
		}
	}
	faults.Restore()
	mock.ExpectQuery("SELECT").WillReturnRows(sqlmock.NewRows(columns))
	if a := serve(t, shelf, "GET", "/books"); a.Code != http.StatusOK {
		t.Error(a.Code, a.Body)
	}
}

func TestTheServiceDoesNotKnow(t *testing.T) {
	db, mock, _, err := faultpool.New(t)
	if err != nil {
		t.Fatal(err)
	}
	mock.ExpectBegin()
	mock.ExpectQuery("SELECT lent").WillReturnRows(sqlmock.NewRows([]string{"lent"}).AddRow(false))
	mock.ExpectExec("UPDATE").WillReturnError(faultpool.ErrConnReset)
	a := serve(t, library.Shelf{DB: db}, "POST", "/books/1/loans?reader=Jane")
	if a.Code != http.StatusInternalServerError || !strings.Contains(a.Body.String(), "not known") {
		t.Error(a.Code, a.Body)
	}
}
