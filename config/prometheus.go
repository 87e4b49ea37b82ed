package config

import (
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// PrometheusVariable is the address of Prometheus in the environment.
const PrometheusVariable = "FIREBREAK_PROMETHEUS"

// Prometheus is the server that telemetry.query_prometheus asks; without a URL there is none.
type Prometheus struct {
	URL   string
	Token Secret
}

func (p *parser) prometheus(m *syntax.Mapping) {
	c := &p.config.Prometheus
	p.text(m, "prometheus.", "url", &c.URL, webPage())
	c.URL = strings.TrimSuffix(c.URL, "/")
	p.secret(m, "prometheus.", "token", &c.Token)
	m.Done()
}
