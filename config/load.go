package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Variables of the environment. They override the file, and flags override them.
const (
	FileVariable     = "FIREBREAK_CONFIG"
	ClusterVariable  = "FIREBREAK_CLUSTER"
	EvidenceVariable = "FIREBREAK_EVIDENCE"
	TrackerVariable  = "FIREBREAK_TRACKER"
	ListenVariable   = "FIREBREAK_LISTEN"
	TokenVariable    = "FIREBREAK_TOKEN" // the token itself; the reference to it is env:FIREBREAK_TOKEN
	WebUIVariable    = "FIREBREAK_WEB_UI"
)

// Places are where a configuration is looked for when neither flag nor environment names one.
func Places() []string { return []string{"firebreak.yaml", "/etc/firebreak/firebreak.yaml"} }

// Lookup reads one variable of the environment.
type Lookup = func(string) (string, bool)

// Load reads the file that flag or environment name, else the first of Places that exists, else gives the defaults.
// Problems are what is wrong with the file and with the environment, all at once; the error is a machine that cannot
// read it.
func Load(flag string, env Lookup) (Config, []syntax.Problem, error) {
	name, raw, err := find(flag, env)
	if err != nil {
		return Config{}, nil, err
	}
	c := Defaults()
	var problems []syntax.Problem
	if name != "" {
		c, problems = Parse(name, raw)
	}
	problems = append(problems, override(&c, env)...)
	problems = append(problems, c.empty()...)
	return c, syntax.Sort(problems), nil
}

func find(flag string, env Lookup) (string, []byte, error) {
	name := flag
	if fromEnv, set := env(FileVariable); name == "" && set { // an empty one counts as absent
		name = fromEnv
	}
	if name != "" {
		raw, err := os.ReadFile(name)
		if err != nil {
			return "", nil, fmt.Errorf("configuration: %w", err)
		}
		return name, raw, nil
	}
	for _, place := range Places() {
		raw, err := os.ReadFile(place)
		if err == nil {
			return place, raw, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", nil, fmt.Errorf("configuration: %w", err)
		}
	}
	return "", nil, nil
}

// override puts the environment's values in. What comes from a variable stands at no place of the file any more.
func override(c *Config, env Lookup) []syntax.Problem {
	var problems []syntax.Problem
	for _, v := range []struct {
		variable, key string
		into          *string
		form          form
	}{
		{ClusterVariable, "cluster", &c.Cluster, word()},
		{EvidenceVariable, "evidence", &c.Evidence, path()},
		{TrackerVariable, "tracker", &c.Tracker, path()},
		{ListenVariable, "receiver.listen", &c.Receiver.Listen, listening()},
		{WebUIVariable, "webUI", &c.WebUI, webPage()},
		{PrometheusVariable, "prometheus.url", &c.Prometheus.URL, webPage()},
	} {
		value, set := env(v.variable)
		if !set || value == "" {
			continue
		}
		*v.into = value
		delete(c.at, v.key)
		if !v.form.fits(value) {
			problems = append(problems, c.place(v.key).Problem("value", "%s must be %s, not %q", v.variable, v.form.be, value))
		}
	}
	c.WebUI = strings.TrimSuffix(c.WebUI, "/")
	c.Prometheus.URL = strings.TrimSuffix(c.Prometheus.URL, "/")
	if value, set := env(TokenVariable); set && value != "" {
		c.Receiver.Token = Secret{Env: TokenVariable}
		delete(c.at, "receiver.token")
	}
	return problems
}

// empty reports what must not be empty, once the environment had its say.
func (c Config) empty() []syntax.Problem {
	var problems []syntax.Problem
	if c.Cluster == "" {
		problems = append(problems, c.place("cluster").Problem("value", `"cluster" must not be empty: it names the cluster in task queues and cases`))
	}
	if c.Codec.Listen == "" {
		problems = append(problems, c.place("codec.listen").Problem("value", `"listen" must not be empty: it is where the Web UI asks`))
	}
	if c.Receiver.Listen == "" {
		problems = append(problems, c.place("receiver.listen").Problem("value", `"listen" must not be empty: it is where alerts come in`))
	}
	return problems
}
