package telemetry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/telemetry"
	"github.com/firebreak-ir/firebreak/internal/labenv"
)

func ask(t *testing.T, p telemetry.Prometheus, in telemetry.QueryPrometheusIn) (telemetry.QueryPrometheusOut, error) {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out telemetry.QueryPrometheusOut
	got, err := telemetry.QueryPrometheus(p).Run(t.Context(), activities.Call{}, raw)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(got, &out); err != nil {
		t.Fatal(err)
	}
	return out, nil
}

// TestRealPrometheus asks the lab's own Prometheus, which watches itself.
func TestRealPrometheus(t *testing.T) {
	lab := labenv.Load(t)
	if lab.Prometheus == "" {
		labenv.LeaveOut(t, "this lab has no Prometheus")
	}
	p := telemetry.Prometheus{URL: lab.Prometheus + "/"}
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		out, err := ask(t, p, telemetry.QueryPrometheusIn{Query: `up{job="prometheus"}`})
		if err == nil && len(out.Series) == 1 && out.Series[0].Value == 1 && out.Series[0].Labels["cluster"] == "lab" && out.ResultType == "vector" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v, %v", out, err)
		}
	}
	for query, want := range map[string]string{"vector(1)": "1", "scalar(vector(2))": "2", "0/0": "NaN", `"word"`: "word", "vector(3)[1m:10s]": "3"} {
		out, err := ask(t, p, telemetry.QueryPrometheusIn{Query: query})
		if err != nil || len(out.Series) != 1 || out.Series[0].Text != want {
			t.Errorf("%s: %+v, %v", query, out, err)
		}
	}
	out, err := ask(t, p, telemetry.QueryPrometheusIn{Query: "up", Time: time.Unix(1e9, 0)})
	if err != nil || len(out.Series) != 0 || !strings.Contains(out.Summary, "no series") {
		t.Errorf("about long ago: %+v, %v", out, err)
	}
	for _, wrong := range []string{"up(", `up + on(x) group_left prometheus_http_requests_total{} * "a"`, " "} {
		_, err := ask(t, p, telemetry.QueryPrometheusIn{Query: wrong})
		if kind, _ := activities.KindOf(err); kind != activities.InvalidInput {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestEveryAnswerHasItsMeaning(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		kind   activities.Kind
		want   string
	}{
		"wrong query":      {400, `{"status":"error","errorType":"bad_data","error":"1:4: parse error"}`, activities.InvalidInput, "1:4: parse error"},
		"cannot be":        {422, `{"status":"error","errorType":"execution","error":"many-to-many"}`, activities.InvalidInput, "many-to-many"},
		"no token":         {401, `Unauthorized`, activities.Forbidden, "prometheus.token"},
		"another server":   {404, `<html>nginx</html>`, activities.Unsupported, "prometheus.url"},
		"not JSON":         {200, `hello`, activities.Unsupported, "prometheus.url"},
		"other JSON":       {200, `{}`, activities.Unsupported, "prometheus.url"},
		"unknown type":     {200, `{"status":"success","data":{"resultType":"graph","result":[]}}`, activities.Unsupported, "graph"},
		"torn sample":      {200, `{"status":"success","data":{"resultType":"scalar","result":[1]}}`, activities.Unsupported, "sample"},
		"overloaded":       {503, `{"status":"error","errorType":"timeout","error":"query timed out"}`, "", "query timed out"},
		"gateway":          {502, "", "", "502"},
		"too large":        {200, `{"status":"success","pad":"` + strings.Repeat("x", 9<<20) + `"}`, activities.InvalidInput, "aggregate"},
		"too many at once": {429, ``, "", "429"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.body)
			}))
			defer server.Close()
			_, err := ask(t, telemetry.Prometheus{URL: server.URL}, telemetry.QueryPrometheusIn{Query: "up"})
			if kind, _ := activities.KindOf(err); err == nil || kind != test.kind || !strings.Contains(err.Error(), test.want) {
				t.Errorf("kind %q: %v", kind, err)
			}
			var throttled *activities.ThrottledError
			if errors.As(err, &throttled) != (test.status == 429) {
				t.Errorf("throttled: %v", err)
			}
		})
	}
}

func TestWithoutPrometheus(t *testing.T) {
	_, err := ask(t, telemetry.Prometheus{}, telemetry.QueryPrometheusIn{Query: "up"})
	if kind, _ := activities.KindOf(err); kind != activities.Unsupported || !strings.Contains(err.Error(), "prometheus: {url") {
		t.Error(err)
	}
}

func TestTheTokenIsReadForEveryQuestion(t *testing.T) {
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization")+" "+r.FormValue("query")+" "+r.FormValue("time"))
		fmt.Fprint(w, `{"status":"success","warnings":["slow\nstore"],"data":{"resultType":"vector","result":[
			{"metric":{"a":"1"},"value":[5.25,"+Inf"]},{"metric":{},"value":[5,"0.5"]}]}}`)
	}))
	defer server.Close()
	token := ""
	p := telemetry.Prometheus{URL: server.URL, Token: func() (string, error) { return token, nil }}
	for _, token = range []string{"", "first", "second"} {
		out, err := ask(t, p, telemetry.QueryPrometheusIn{Query: "up & away", Time: time.UnixMilli(5250)})
		if err != nil {
			t.Fatal(err)
		}
		want := []telemetry.Series{
			{Labels: map[string]string{"a": "1"}, Text: "+Inf", At: time.UnixMilli(5250).UTC()},
			{Labels: map[string]string{}, Value: 0.5, Text: "0.5", At: time.Unix(5, 0).UTC()},
		}
		if diff := cmp.Diff(want, out.Series); diff != "" || len(out.Warnings) != 1 || strings.Contains(out.Warnings[0], "\n") {
			t.Errorf("warnings %q, series (-want +got):\n%s", out.Warnings, diff)
		}
	}
	if diff := cmp.Diff([]string{" up & away 5.250", "Bearer first up & away 5.250", "Bearer second up & away 5.250"}, seen); diff != "" {
		t.Error(diff)
	}
	p.Token = func() (string, error) { return "", errors.New("no such file") }
	if _, err := ask(t, p, telemetry.QueryPrometheusIn{Query: "up"}); err == nil {
		t.Error("asked without its token")
	}
}

func TestManySeriesAreCounted(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[`+strings.Repeat(`{"metric":{},"value":[1,"1"]},`, 149)+`{"metric":{},"value":[1,"1"]}]}}`)
	}))
	defer server.Close()
	out, err := ask(t, telemetry.Prometheus{URL: server.URL}, telemetry.QueryPrometheusIn{Query: "up"})
	if err != nil || len(out.Series) != 100 || out.More != 50 || !strings.Contains(out.Summary, "150 series") {
		t.Errorf("%d series, %d more, %q, %v", len(out.Series), out.More, out.Summary, err)
	}
}
