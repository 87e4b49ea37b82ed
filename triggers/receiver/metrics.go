package receiver

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// metrics are the receiver's counters in Prometheus' text format. Labels are outcomes and names of loaded playbooks:
// never a text from an alert, which would let a stranger fill the memory.
type metrics struct {
	mu       sync.Mutex
	outcomes map[Outcome]int64
	started  map[string]int64
}

func newMetrics() *metrics {
	m := &metrics{outcomes: map[Outcome]int64{}, started: map[string]int64{}}
	for _, o := range Outcomes() {
		m.outcomes[o] = 0 // a counter that is there from the start can be alerted on
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
}
