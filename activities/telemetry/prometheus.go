// Package telemetry asks the systems that watch a cluster what they have seen. It changes nothing there.
package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// Prometheus is a server to ask. Its zero value is none.
type Prometheus struct {
	URL   string                 // without /api/v1
	Token func() (string, error) // read for every question, so that a token may be renewed; nil or an empty text for none
}

// maxAnswer bounds what is read of one answer.
const maxAnswer = 8 << 20

// ask gives the answer to an instant query. Permanent InvalidInput is a query that Prometheus does not understand.
func (p Prometheus) ask(ctx context.Context, query string, at time.Time) (answer, error) {
	request, err := p.request(ctx, query, at)
	if err != nil {
		return answer{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, fmt.Errorf("ask Prometheus: %w", err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return answer{}, fmt.Errorf("read Prometheus' answer: %w", err)
	case len(raw) > maxAnswer:
		return answer{}, activities.Invalid(fmt.Errorf("the answer has more than %d bytes", maxAnswer), "aggregate in the query, for example by sum() or topk()")
	}
	return read(response, raw)
}

func (p Prometheus) request(ctx context.Context, query string, at time.Time) (*http.Request, error) {
	form := url.Values{"query": {query}}
	if !at.IsZero() {
		form.Set("time", strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(p.URL, "/")+"/api/v1/query", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if p.Token == nil {
		return request, nil
	}
	token, err := p.Token()
	if err != nil {
		return nil, fmt.Errorf("token of Prometheus: %w", err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return request, nil
}

// answer is Prometheus' own form of one.
type answer struct {
	Status   string   `json:"status"`
	Kind     string   `json:"errorType"`
	Error    string   `json:"error"`
	Warnings []string `json:"warnings"`
	Infos    []string `json:"infos"`
	Data     struct {
		ResultType string          `json:"resultType"`
		Result     json.RawMessage `json:"result"`
	} `json:"data"`
}

// read tells a query that is wrong from a server that is not well.
func read(response *http.Response, raw []byte) (answer, error) {
	var a answer
	decoding := json.Unmarshal(raw, &a)
	said := a.Error
	if decoding != nil || said == "" {
		said = brief(raw)
	}
	failed := fmt.Errorf("prometheus answers %s: %s", response.Status, said)
	switch code := response.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return a, activities.Permanent(activities.Forbidden, failed, "check `prometheus.token` of the worker's configuration")
	case code == http.StatusTooManyRequests:
		return a, &activities.ThrottledError{After: retryAfter(response), Err: failed}
	case code >= 500:
		return a, failed
	case code >= 400 && decoding == nil && a.Kind != "":
		return a, activities.Invalid(failed, "correct the query")
	case code >= 300 || decoding != nil || a.Status != "success":
		return a, activities.Permanent(activities.Unsupported, failed, "check `prometheus.url` of the worker's configuration: no Prometheus answers there")
	}
	return a, nil
}

// brief is the beginning of a text that somebody else wrote, in one line.
func brief(raw []byte) string {
	const most = 300
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(raw[:min(len(raw), most)]), "")), " ")
	if text == "" {
		return "nothing"
	}
	return strconv.Quote(text)
}

func retryAfter(response *http.Response) time.Duration {
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil || seconds < 1 || seconds > 3600 {
		return 5 * time.Second
	}
	return time.Duration(seconds) * time.Second
}

var errSample = errors.New("a sample of the answer is not of Prometheus' form")

// sample is Prometheus' pair of a time in seconds and a number as text.
type sample struct {
	at    time.Time
	value string
}

// UnmarshalJSON reads [1700000000.5, "0.25"].
func (s *sample) UnmarshalJSON(raw []byte) error {
	var pair []json.RawMessage
	var seconds float64
	if err := json.Unmarshal(raw, &pair); err != nil || len(pair) != 2 {
		return errSample
	}
	if json.Unmarshal(pair[0], &seconds) != nil || json.Unmarshal(pair[1], &s.value) != nil {
		return errSample
	}
	s.at = time.UnixMilli(int64(seconds * 1000)).UTC()
	return nil
}
