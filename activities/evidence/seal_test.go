package evidence_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities/evidence"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/custody/rfc3161"
	"github.com/firebreak-ir/firebreak/custody/rfc3161/tsatest"
)

// temporal is a history as Temporal's own tools write it: a step that failed once and was tried again, its undo, and one that
// runs.
const temporal = `{"events":[
{"eventId":"1","eventTime":"2026-11-20T08:00:00Z","eventType":"EVENT_TYPE_WORKFLOW_EXECUTION_STARTED"},
{"eventId":"7","eventTime":"2026-11-20T08:00:01Z","userMetadata":{"summary":{"data":"ImNvbnRhaW4gLyBpc29sYXRlIHNob3Avd2ViIg=="}},
 "activityTaskScheduledEventAttributes":{"activityType":{"name":"kube.isolate_pod"},"input":{"payloads":[{"data":"eyJjYWxsIjp7InN0ZXAiOiJpc29sYXRlIn19"}]}}},
{"eventId":"8","eventTime":"2026-11-20T08:00:02Z","activityTaskStartedEventAttributes":{"scheduledEventId":"7"}},
{"eventId":"9","eventTime":"2026-11-20T08:00:03Z","activityTaskFailedEventAttributes":{"scheduledEventId":"7"}},
{"eventId":"10","eventTime":"2026-11-20T08:00:04Z",
 "activityTaskScheduledEventAttributes":{"activityType":{"name":"kube.isolate_pod"},"input":{"payloads":[{"data":"eyJjYWxsIjp7InN0ZXAiOiJpc29sYXRlIn19"}]}}},
{"eventId":"11","eventTime":"2026-11-20T08:00:05Z","activityTaskStartedEventAttributes":{"scheduledEventId":"10"}},
{"eventId":"12","eventTime":"2026-11-20T08:00:06Z","activityTaskCompletedEventAttributes":{"scheduledEventId":"10"}},
{"eventId":"13","eventTime":"2026-11-20T08:00:07Z","activityTaskScheduledEventAttributes":{"activityType":{"name":"evidence.export_history"}}}
]}`

type exported string

// Export is History's.
func (e exported) Export(_ context.Context, _, _ string, w io.Writer) (int, error) {
	_, err := io.WriteString(w, string(e))
	return strings.Count(string(e), "eventId"), err
}

// Previous is History's.
func (exported) Previous(context.Context, string, string) (string, error) { return "", nil }

func sealedWith(t *testing.T, history string, with custody.Sealing) (*custody.Case, evidence.SealOutput) {
	t.Helper()
	store := newStore(t)
	if _, err := run[evidence.ExportHistoryOutput](t, evidence.ExportHistory(store, exported(history)), call("history"), `{"workflow":"w","run":"r"}`); err != nil {
		t.Fatal(err)
	}
	out, err := run[evidence.SealOutput](t, evidence.Seal(store, with), call("seal"), `{}`)
	if err != nil {
		t.Fatal(err)
	}
	c, err := store.Case("test-1.1")
	if err != nil {
		t.Fatal(err)
	}
	return c, out
}

func TestEachActivityOfTheHistoryIsAnActionOfTheCase(t *testing.T) {
	c, out := sealedWith(t, temporal, custody.Sealing{})
	if len(out.Warnings) != 0 {
		t.Error(out.Warnings)
	}
	raw, err := os.ReadFile(filepath.Join(c.Dir(), filepath.FromSlash(custody.CaseName)))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Graph []map[string]any `json:"@graph"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, n := range doc.Graph {
		if n["@type"] != "case-investigation:InvestigativeAction" {
			continue
		}
		ended := "open"
		if end, ok := n["uco-action:endTime"].(map[string]any); ok {
			ended, _ = end["@value"].(string)
		}
		name, _ := n["uco-core:name"].(string)
		status, _ := n["uco-action:actionStatus"].(string)
		got[name] = status + " " + ended
	}
	if len(got) != 3 || got["isolate"] != "Success 2026-11-20T08:00:06Z" || got["evidence.export_history 13"] != "Unknown open" {
		t.Errorf("%v", got)
	}
}

// A history that does not read is evidence all the same: the seal says so, and goes on.
func TestAHistoryThatDoesNotReadIsAWarningOfTheSeal(t *testing.T) {
	_, out := sealedWith(t, `{"events":[{"eventId":"1","eventTime":"yesterday"}]}`, custody.Sealing{})
	if len(out.Warnings) != 1 || !strings.HasPrefix(out.Summary, `WARNING: the steps in "data/history.json" are not in data/case.jsonld`) {
		t.Errorf("%+v", out)
	}
}

func TestASealIsSignedAndStamped(t *testing.T) {
	tsa := tsatest.Start(t, "ec")
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	client := rfc3161.Client{URL: tsa.URL, Roots: tsa.Roots(t), HTTP: &http.Client{}, Random: rand.Reader, Limit: time.Minute}
	c, out := sealedWith(t, temporal, custody.Sealing{Key: private, Stamper: client})
	if out.SignedBy == "" || out.Stamped.IsZero() || !strings.HasPrefix(out.Summary, "sealed 1 files") || !strings.Contains(out.Summary, ", stamped 20") {
		t.Errorf("%+v", out)
	}
	r, err := custody.Verify(t.Context(), c.Dir(), custody.Options{Keys: []ed25519.PublicKey{public}, Roots: tsa.Roots(t)})
	if err := errors.Join(err, r.Err()); err != nil || len(r.SignedBy) != 1 || !r.Stamped.Equal(out.Stamped) || len(r.Notices) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	client.URL = "http://127.0.0.1:1"
	_, out = sealedWith(t, temporal, custody.Sealing{Key: private, Stamper: client})
	if !strings.HasPrefix(out.Summary, `WARNING: the seal has no timestamp: TSA "http://127.0.0.1:1"`) || out.Stamped != (time.Time{}) {
		t.Errorf("with the TSA down: %s", out.Summary)
	}
}
