package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

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
// Problems are what is wrong with the file, all at once; the error is a machine that cannot read it.
func Load(flag string, env Lookup) (Config, []syntax.Problem, error) {
	name, raw, err := find(flag, env)
	if err != nil {
		return Config{}, nil, err
	}
	c := Defaults()
	if name == "" {
		override(&c, env)
		return c, nil, nil
	}
	c, problems := Parse(name, raw)
	override(&c, env)
	return c, problems, nil
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

func override(c *Config, env Lookup) {
	for variable, into := range map[string]*string{
		ClusterVariable: &c.Cluster, EvidenceVariable: &c.Evidence, TrackerVariable: &c.Tracker,
		ListenVariable: &c.Receiver.Listen, WebUIVariable: &c.WebUI,
	} {
		if value, set := env(variable); set && value != "" {
			*into = value
		}
	}
	if value, set := env(TokenVariable); set && value != "" {
		c.Receiver.Token = Secret{Env: TokenVariable}
	}
}
