package cloudevents_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/triggers/cloudevents"
)

const event = `{"specversion":"1.0","id":"e1","type":"com.example.alert","source":"/sensors/1","subject":"a door","time":"2026-07-01T12:00:00Z",
"datacontenttype":"application/json","data":{"title":"open","pod":"web-1","n":9007199254740993}}`

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func TestBothModesGiveOneAlert(t *testing.T) {
	want := plan.Alert{
		ID: "e1", Source: "cloudevents", Rule: "com.example.alert", Priority: "Notice", Summary: "a door", Time: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
		Fields: map[string]any{
			"specversion": "1.0", "id": "e1", "type": "com.example.alert", "source": "/sensors/1", "subject": "a door", "time": "2026-07-01T12:00:00Z",
			"data": map[string]any{"title": "open", "pod": "web-1", "n": int64(9007199254740993)},
		},
	}
	structured, err := cloudevents.Decode(headers("Content-Type", "application/cloudevents+json; charset=utf-8"), strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	delete(structured.Fields, "datacontenttype")
	binary, err := cloudevents.Decode(headers("Content-Type", "application/json", "ce-specversion", "1.0", "ce-id", "e1", "ce-type", "com.example.alert",
		"ce-source", "/sensors/1", "ce-subject", "a%20door", "ce-time", "2026-07-01T12:00:00Z"),
		strings.NewReader(`{"title":"open","pod":"web-1","n":9007199254740993}`))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, structured); d != "" {
		t.Errorf("structured: %s", d)
	}
	if d := cmp.Diff(want, binary); d != "" {
		t.Errorf("binary: %s", d)
	}
}

func TestDecodeRefuses(t *testing.T) {
	structured := headers("Content-Type", cloudevents.StructuredType)
	tests := []struct {
		name   string
		header http.Header
		body   string
		wrong  string
	}{
		{"nothing", structured, "", "not JSON"},
		{"a list", structured, "[]", "want an object"},
		{"two", structured, event + event, "something follows"},
		{"no id", structured, `{"specversion":"1.0","type":"t","source":"s"}`, "id: is missing"},
		{"another version", structured, `{"specversion":"0.3","id":"1","type":"t","source":"s"}`, "specversion: want 1.0"},
		{"a number as type", structured, `{"specversion":"1.0","id":"1","type":3,"source":"s"}`, "type: must be text"},
		{"no time", structured, `{"specversion":"1.0","id":"1","type":"t","source":"s","time":"noon"}`, "time: is no time"},
		{"a long id", structured, `{"specversion":"1.0","id":"` + strings.Repeat("x", 1001) + `","type":"t","source":"s"}`, "id: longer than"},
		{"no attributes", headers("Content-Type", "application/json"), "{}", "specversion: is missing"},
		{"broken data", headers("Content-Type", "application/json", "ce-specversion", "1.0", "ce-id", "1", "ce-type", "t", "ce-source", "s"), "{", "data: not JSON"},
		{"too large", structured, strings.Repeat(" ", cloudevents.MaxBytes+1), "larger than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := cloudevents.Decode(test.header, strings.NewReader(test.body))
			if !errors.As(err, new(*cloudevents.MalformedError)) || !strings.Contains(err.Error(), test.wrong) {
				t.Fatal(err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(true, event)
	f.Add(false, "{}")
	f.Fuzz(func(t *testing.T, structured bool, body string) {
		h := headers("Content-Type", "application/json", "ce-specversion", "1.0", "ce-id", body, "ce-type", "t", "ce-source", "s")
		if structured {
			h = headers("Content-Type", cloudevents.StructuredType)
		}
		if a, err := cloudevents.Decode(h, strings.NewReader(body)); err == nil && (a.Rule == "" || a.ID == "") {
			t.Fatalf("%+v", a)
		}
	})
}
