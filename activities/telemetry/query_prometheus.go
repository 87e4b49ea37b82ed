package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

// QueryPrometheusIn is a question to Prometheus.
type QueryPrometheusIn struct {
	Query string    `json:"query" code:"promql" doc:"A query in PromQL"`
	Time  time.Time `json:"time,omitzero" doc:"The moment that is asked about; now when left out"`
}

// QueryPrometheusOut is what Prometheus knows.
type QueryPrometheusOut struct {
	activities.Result
	ResultType string   `json:"resultType" doc:"vector, scalar, matrix or string"`
	Series     []Series `json:"series" doc:"One entry a series, in Prometheus' order, at most 100; a scalar or a string is one without labels"`
	More       int      `json:"more" doc:"How many more series there are"`
	Warnings   []string `json:"warnings" doc:"What Prometheus said beside the answer"`
}

// Series is one series with its newest sample.
type Series struct {
	Labels map[string]string `json:"labels" doc:"The series' labels"`
	Value  float64           `json:"value" doc:"The newest sample; 0 where it is no finite number"`
	Text   string            `json:"text" doc:"The newest sample as Prometheus wrote it, such as 0.25, NaN or +Inf"`
	At     time.Time         `json:"at,omitzero" doc:"When it was taken"`
}

// QueryPrometheus asks Prometheus.
func QueryPrometheus(p Prometheus) activities.Definition {
	return activities.Define(activities.Activity[QueryPrometheusIn, QueryPrometheusOut]{
		Name:        "telemetry.query_prometheus",
		Summary:     "Asks the configured Prometheus one instant query.",
		Effect:      activities.Read,
		Place:       activities.OnCluster,
		Idempotency: "It changes nothing.",
		Timeout:     30 * time.Second,
		Example: `id: metrics
phase: identify
uses: telemetry.query_prometheus
with: {query: "sum(rate(container_cpu_usage_seconds_total{pod='${{ alert.target.pod }}'}[5m]))"}
`,
		Run: func(ctx context.Context, _ activities.Call, in QueryPrometheusIn) (QueryPrometheusOut, error) {
			return queryPrometheus(ctx, p, in)
		},
	})
}

func queryPrometheus(ctx context.Context, p Prometheus, in QueryPrometheusIn) (QueryPrometheusOut, error) {
	switch {
	case strings.TrimSpace(in.Query) == "":
		return QueryPrometheusOut{}, activities.Invalid(errors.New("the query is empty"), "give a query in PromQL")
	case p.URL == "":
		return QueryPrometheusOut{}, activities.Permanent(activities.Unsupported, errors.New("no Prometheus is configured for this worker"),
			"set `prometheus: {url: …}` in firebreak.yaml, or leave the step out")
	}
	a, err := p.ask(ctx, in.Query, in.Time)
	if err != nil {
		return QueryPrometheusOut{}, err
	}
	out, err := a.output()
	if err != nil {
		return QueryPrometheusOut{}, activities.Permanent(activities.Unsupported, err, "check `prometheus.url` of the worker's configuration")
	}
	return out, nil
}

// maxSeries keeps the output within what travels in a history.
const maxSeries = 100

func (a answer) output() (QueryPrometheusOut, error) {
	all, err := a.series()
	if err != nil {
		return QueryPrometheusOut{}, err
	}
	out := QueryPrometheusOut{ResultType: a.Data.ResultType, Series: all[:min(len(all), maxSeries)], More: max(len(all)-maxSeries, 0), Warnings: []string{}}
	for _, w := range append(a.Warnings, a.Infos...) {
		out.Warnings = append(out.Warnings, brief([]byte(w)))
	}
	out.Status = activities.Done
	switch len(all) {
	case 0:
		out.Summary = "Prometheus has no series for the query"
	case 1:
		out.Summary = "Prometheus answers " + all[0].Text
	default:
		out.Summary = fmt.Sprintf("Prometheus answers with %d series", len(all))
	}
	return out, nil
}

// series makes one form of the four that Prometheus has. Of a matrix the newest sample is taken.
func (a answer) series() ([]Series, error) {
	switch a.Data.ResultType {
	case "scalar", "string":
		var one sample
		err := json.Unmarshal(a.Data.Result, &one)
		return []Series{one.series(nil)}, err
	case "vector", "matrix":
		var all []struct {
			Metric map[string]string `json:"metric"`
			Value  sample            `json:"value"`
			Values []sample          `json:"values"`
		}
		if err := json.Unmarshal(a.Data.Result, &all); err != nil {
			return nil, err
		}
		out := make([]Series, 0, len(all))
		for _, one := range all {
			newest := one.Value
			if n := len(one.Values); n > 0 {
				newest = one.Values[n-1]
			}
			out = append(out, newest.series(one.Metric))
		}
		return out, nil
	}
	return nil, fmt.Errorf("prometheus answers with the unknown type %q", a.Data.ResultType)
}

func (s sample) series(labels map[string]string) Series {
	if labels == nil {
		labels = map[string]string{}
	}
	value, err := strconv.ParseFloat(s.value, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		value = 0
	}
	return Series{Labels: labels, Value: value, Text: s.value, At: s.at}
}
