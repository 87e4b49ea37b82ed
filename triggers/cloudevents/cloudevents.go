// Package cloudevents reads CloudEvents 1.0 over HTTP, in structured and in binary mode
// (https://github.com/cloudevents/spec, HTTP protocol binding 1.0). What an event says is data, whatever it says.
package cloudevents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Limits on one event.
const (
	MaxBytes     = 256 << 10
	maxAttribute = 1000
)

// Source is the source of the alerts.
const Source = "cloudevents"

// StructuredType is the media type of an event in structured mode.
const StructuredType = "application/cloudevents+json"

// MalformedError says what is wrong with an event, and with which of its attributes.
type MalformedError struct {
	Attribute string // empty for the whole event
	Err       error
}

// Error gives the attribute and the reason.
func (e *MalformedError) Error() string {
	if e.Attribute == "" {
		return "event: " + e.Err.Error()
	}
	return "event: " + e.Attribute + ": " + e.Err.Error()
}

// Unwrap gives the reason.
func (e *MalformedError) Unwrap() error { return e.Err }

// ErrTooLarge is the reason of a MalformedError for an event above MaxBytes.
var ErrTooLarge = fmt.Errorf("larger than %d bytes", MaxBytes)

// Decode reads one event as an alert whose Fields are the event's attributes and its data; a trigger's mapping makes the
// rest of it. What it refuses is a *MalformedError; any other error is the reader's own.
func Decode(header http.Header, body io.Reader) (plan.Alert, error) {
	raw, err := io.ReadAll(io.LimitReader(body, MaxBytes+1))
	switch {
	case err != nil:
		return plan.Alert{}, fmt.Errorf("read event: %w", err)
	case len(raw) > MaxBytes:
		return plan.Alert{}, &MalformedError{Err: ErrTooLarge}
	}
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	read := func() (map[string]any, error) { return binary(header, kind, raw) }
	if kind == StructuredType {
		read = func() (map[string]any, error) { return structured(raw) }
	}
	attributes, err := read()
	if err != nil {
		return plan.Alert{}, err
	}
	return alertOf(attributes)
}

func structured(raw []byte) (map[string]any, error) {
	v, err := object(raw)
	if err != nil {
		return nil, &MalformedError{Err: err}
	}
	return v, nil
}

// binary reads the attributes from the headers; the body is the data.
func binary(header http.Header, kind string, raw []byte) (map[string]any, error) {
	out := map[string]any{}
	for name, values := range header {
		attribute, ours := strings.CutPrefix(strings.ToLower(name), "ce-")
		if !ours || len(values) == 0 {
			continue
		}
		text, err := url.PathUnescape(values[0])
		if err != nil {
			return nil, &MalformedError{Attribute: attribute, Err: errors.New("is not percent-encoded as it should be")}
		}
		out[attribute] = text
	}
	switch {
	case len(raw) == 0:
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		data, err := value(raw)
		if err != nil {
			return nil, &MalformedError{Attribute: "data", Err: err}
		}
		out["data"] = data
	default:
		out["data"] = strings.ToValidUTF8(string(raw), "\uFFFD")
	}
	return out, nil
}

func object(raw []byte) (map[string]any, error) {
	v, err := value(raw)
	if err != nil {
		return nil, err
	}
	doc, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("want an object")
	}
	return doc, nil
}

// value reads exactly one JSON value, whole numbers whole.
func value(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows the value at byte %d", d.InputOffset())
	}
	return plan.Copy(v), nil
}

func alertOf(attributes map[string]any) (plan.Alert, error) {
	var wrong []error
	text := func(name string, needed bool) string {
		v, there := attributes[name]
		s, ok := v.(string)
		switch {
		case !there && needed, ok && s == "" && needed:
			wrong = append(wrong, &MalformedError{Attribute: name, Err: errors.New("is missing")})
		case there && !ok:
			wrong = append(wrong, &MalformedError{Attribute: name, Err: errors.New("must be text")})
		case len(s) > maxAttribute:
			wrong = append(wrong, &MalformedError{Attribute: name, Err: fmt.Errorf("longer than %d bytes", maxAttribute)})
		}
		return s
	}
	if version := text("specversion", true); version != "" && version != "1.0" {
		wrong = append(wrong, &MalformedError{Attribute: "specversion", Err: fmt.Errorf("want 1.0, got %.20q", version)})
	}
	a := plan.Alert{ID: text("id", true), Source: Source, Rule: text("type", true), Priority: "Notice", Fields: attributes}
	text("source", true)
	a.Summary = text("subject", false)
	if at := text("time", false); at != "" {
		seen, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			wrong = append(wrong, &MalformedError{Attribute: "time", Err: errors.New("is no time of RFC 3339")})
		}
		a.Time = seen.UTC()
	}
	return a, errors.Join(wrong...)
}
