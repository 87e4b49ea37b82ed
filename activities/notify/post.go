package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// sends one message to one target. An error never repeats the address.
func (t Targets) send(ctx context.Context, call activities.Call, in SendInput, i int) error {
	target := t.List[i]
	address, err := target.Address()
	if err != nil {
		return fmt.Errorf("its address: %w", err)
	}
	body, err := t.body(call, in, target)
	if err != nil {
		return err
	}
	ctx, done := context.WithTimeout(ctx, 10*time.Second)
	defer done()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return activities.Permanent(activities.Unsupported, errors.New("its address is none"), "correct the secret that holds it")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", call.Key)
	response, err := t.client().Do(request)
	if err != nil {
		return bare(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection can be used again
	return judge(response)
}

func (t Targets) client() *http.Client {
	if t.HTTP != nil {
		return t.HTTP
	}
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// bare takes the address out of what the HTTP client says.
func bare(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return errors.New("it cannot be asked")
}

// judge tells a target that is not well from one that will never take the message. What it says is not repeated: it may
// quote the address.
func judge(response *http.Response) error {
	said := fmt.Errorf("it answers %d %s", response.StatusCode, http.StatusText(response.StatusCode))
	switch code := response.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusTooManyRequests:
		return &activities.ThrottledError{After: after(response), Err: said}
	case code >= 500, code == http.StatusRequestTimeout:
		return said
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return activities.Permanent(activities.Forbidden, said, "renew the address")
	}
	return activities.Permanent(activities.Unsupported, said, "check the address and the kind of the target")
}

func after(response *http.Response) time.Duration {
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil || seconds < 1 || seconds > 3600 {
		return 5 * time.Second
	}
	return time.Duration(seconds) * time.Second
}

// body is what a target gets.
func (t Targets) body(call activities.Call, in SendInput, target Target) ([]byte, error) {
	m := message{
		Key: call.Key, Case: call.Case, Cluster: in.Cluster, Step: in.About, Title: in.Title, Text: in.Text, Severity: in.Severity,
		For: slicesOf(in.To), References: safeLinks(in.Links),
	}
	if in.About != "" && t.Page != nil {
		m.Page = t.Page(call.Case, in.About)
	}
	if err := t.personal(&m, call, in, target); err != nil {
		return nil, err
	}
	if target.Kind == Slack {
		return json.Marshal(m.slack())
	}
	return json.Marshal(m)
}

// personal adds the links with which people decide: of the one who reads there, or of everybody where the target keeps them
// apart.
func (t Targets) personal(m *message, call activities.Call, in SendInput, target Target) error {
	if in.About == "" || t.Link == nil {
		return nil
	}
	if target.Person != nil {
		link, err := t.Link(call.Case, in.About, *target.Person)
		m.Link = link
		return err
	}
	if !target.Links {
		return nil
	}
	for _, p := range t.People {
		if !in.To.everybody() && !in.To.asks(p) {
			continue
		}
		link, err := t.Link(call.Case, in.About, p)
		if err != nil {
			return err
		}
		m.Links = append(m.Links, ownLink{p.Subject, link})
	}
	return nil
}
