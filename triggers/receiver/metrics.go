package receiver

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/firebreak-ir/firebreak/triggers"
)

// metrics are the receiver's counters in Prometheus' text format. Labels are outcomes and names of loaded playbooks:
// never a text from an alert, which would let a stranger fill the memory.
type metrics struct {
	mu       sync.Mutex
	outcomes map[Outcome]int64
	started  map[string]int64
	failed   map[expression]int64
}

// expression is one kind of a playbook's expressions.
type expression struct{ playbook, kind string }

func expressionOf(f triggers.Failure) expression {
	if f.Trigger == "" {
		return expression{f.Playbook, "dedup_key"}
	}
	return expression{f.Playbook, "trigger"}
}

// newMetrics begins every counter at zero: one that is there from the start can be alerted on.
func newMetrics(playbooks []string) *metrics {
	m := &metrics{outcomes: map[Outcome]int64{}, started: map[string]int64{}, failed: map[expression]int64{}}
	for _, o := range Outcomes() {
		m.outcomes[o] = 0
	}
	for _, p := range playbooks {
		m.started[p] = 0
		m.failed[expression{p, "dedup_key"}], m.failed[expression{p, "trigger"}] = 0, 0
	}
	return m
}

func (m *metrics) alert(a answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.outcomes[a.Outcome]++
	for _, c := range a.cases() {
		m.started[c.Playbook]++
	}
	for _, f := range a.failures {
		m.failed[expressionOf(f)]++
	}
}

func compare(a, b expression) int {
	return cmp.Or(cmp.Compare(a.playbook, b.playbook), cmp.Compare(a.kind, b.kind))
}

// ServeHTTP prints the counters.
func (m *metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	fmt.Fprintln(w, "# HELP firebreak_alerts_total Requests to the alert receiver by what became of them.")
	fmt.Fprintln(w, "# TYPE firebreak_alerts_total counter")
	for _, o := range slices.Sorted(maps.Keys(m.outcomes)) {
		fmt.Fprintf(w, "firebreak_alerts_total{outcome=%q} %d\n", string(o), m.outcomes[o])
	}
	fmt.Fprintln(w, "# HELP firebreak_alert_starts_total Alerts that opened or joined a case, by playbook.")
	fmt.Fprintln(w, "# TYPE firebreak_alert_starts_total counter")
	for _, p := range slices.Sorted(maps.Keys(m.started)) {
		fmt.Fprintf(w, "firebreak_alert_starts_total{playbook=%q} %d\n", p, m.started[p])
	}
	fmt.Fprintln(w, "# HELP firebreak_alert_failures_total Expressions that failed on an alert, by playbook and kind.")
	fmt.Fprintln(w, "# TYPE firebreak_alert_failures_total counter")
	for _, e := range slices.SortedFunc(maps.Keys(m.failed), compare) {
		fmt.Fprintf(w, "firebreak_alert_failures_total{playbook=%q,expression=%q} %d\n", e.playbook, e.kind, m.failed[e])
	}
}
