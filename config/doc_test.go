package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// TestDocumentation: the example in the documentation is right, names every key, and lists every variable.
func TestDocumentation(t *testing.T) {
	page := string(read(t, "../docs/configuration.md"))
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(page)
	if block == nil {
		t.Fatal("the page has no example")
	}
	c, problems := Parse("configuration.md", []byte(block[1]))
	for _, p := range problems {
		t.Error(p)
	}
	if c.Cluster != "production" || c.Receiver.TLS.ClientCA == "" {
		t.Errorf("the example reads as %+v", c)
	}
	tree, _ := syntax.Parse("configuration.md", []byte(block[1]))
	for _, key := range known(t) {
		if tree.Get(key) == nil {
			t.Errorf("the example does not show %q", key)
		}
	}
	for _, variable := range []string{FileVariable, ClusterVariable, EvidenceVariable, TrackerVariable, ListenVariable, TokenVariable, WebUIVariable, PrometheusVariable} {
		if !strings.Contains(page, "`"+variable+"`") {
			t.Errorf("the page does not name %s", variable)
		}
	}
}

// known asks the reader itself for its keys: it names them all when one is wrong.
func known(t *testing.T) []string {
	t.Helper()
	_, problems := Parse("f.yaml", []byte("zzzzzzzzzzzz: 1"))
	_, list, found := strings.Cut(lines(problems), "; there is ")
	if !found {
		t.Fatalf("got %s", lines(problems))
	}
	keys := map[string]bool{}
	for key := range strings.SplitSeq(strings.TrimSuffix(list, " [unknown-key]\n"), ", ") {
		keys[key] = true
	}
	return slices.Sorted(maps.Keys(keys))
}
