package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sqlpool/go/hooks/debugui"
)

const (
	pagePath    = "/debug/sqlpool/" // where hooks/debugui's documentation mounts it
	pageTimeout = 5 * time.Second
	pageLimit   = 16 << 20
)

// page is a running program's page.
type page struct {
	url           *url.URL
	authorization string
	client        *http.Client
}

func newPage(text, authorization string) (*page, error) {
	u, err := pageURL(text)
	if err != nil {
		return nil, err
	}
	return &page{url: u, authorization: authorization, client: &http.Client{Timeout: pageTimeout}}, nil
}

// pageURL completes what people type.
func pageURL(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		var bad *url.Error
		if errors.As(err, &bad) {
			err = bad.Err // without the URL, which may have a password in it
		}
		return nil, fmt.Errorf("the URL cannot be read: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the URL must be that of a page: http://HOST:PORT" + pagePath)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = pagePath
	}
	return u, nil
}

// String is the URL without a password and without parameters.
func (p *page) String() string {
	shown := *p.url
	shown.User, shown.RawQuery, shown.Fragment = nil, "", ""
	return shown.String()
}

// get returns the page's JSON, with the samples after since.
func (p *page) get(ctx context.Context, since uint64) (json.RawMessage, error) {
	asked := *p.url
	query := asked.Query()
	query.Set("format", "json")
	query.Set("since", strconv.FormatUint(since, 10))
	asked.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, asked.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if p.authorization != "" {
		request.Header.Set("Authorization", p.authorization)
	}
	response, err := p.client.Do(request)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // the URL is known, and may have a password in it
		}
		return nil, fmt.Errorf("%s cannot be reached: %w", p, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, pageLimit))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	switch kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); {
	case response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("%s answers %s: name and password can be in the URL, anything else in SQLPOOL_AUTHORIZATION", p, response.Status)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers %s: %s", p, response.Status, shorten(printable(strings.TrimSpace(string(body))), 100))
	case kind != "application/json" || !json.Valid(body):
		return nil, fmt.Errorf("%s is not the page of hooks/debugui: it answers with %q", p, kind)
	}
	return body, nil
}

// look reads the page.
func (p *page) look(ctx context.Context, since uint64) (*debugui.View, error) {
	body, err := p.get(ctx, since)
	if err != nil {
		return nil, err
	}
	var several debugui.Pools
	if err := json.Unmarshal(body, &several); err == nil && len(several.Pools) > 0 {
		var urls []string
		for _, e := range several.Pools {
			urls = append(urls, strings.TrimSuffix(p.String(), "/")+"/"+e.URL)
		}
		return nil, fmt.Errorf("%s has several pools: take one of %s", p, strings.Join(urls, ", "))
	}
	var v debugui.View
	if err := json.Unmarshal(body, &v); err != nil || v.At.IsZero() { // the field of another type would not help the user
		return nil, fmt.Errorf("%s is not the page of hooks/debugui: it has other JSON", p)
	}
	return &v, nil
}
