package indicators_test

import (
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/indicators"
)

// TestLoad takes what it understands of each list, and names the rest by its place.
func TestLoad(t *testing.T) {
	set, problems, err := indicators.Load(indicators.Sources{
		Hashes: []indicators.Source{{Name: "h.txt", Content: []byte("d41d8cd98f00b204e9800998ecf8427e\nnothing\n")}},
		Paths:  []indicators.Source{{Name: "p.txt", Content: []byte("/tmp/*.sh\n")}},
		Rules: []indicators.Source{{Name: "r.yar", Content: []byte(
			"rule a { strings: $x = \"x\" condition: $x }\nimport \"pe\"\nrule b { condition: pe.is_pe }\n")}},
	})
	if err != nil || set.Hashes.Len() != 1 || set.Paths.Len() != 1 || set.Rules.Len() != 1 || set.Empty() {
		t.Fatalf("%d hashes, %d paths, %d rules, %v", set.Hashes.Len(), set.Paths.Len(), set.Rules.Len(), err)
	}
	var said []string
	for _, p := range problems {
		said = append(said, p.Error())
	}
	for _, want := range []string{"h.txt:2", "r.yar:2", "r.yar:3"} {
		if !strings.Contains(strings.Join(said, "\n"), want) {
			t.Errorf("nothing says %s: %q", want, said)
		}
	}
	if empty, _, err := indicators.Load(indicators.Sources{}); err != nil || !empty.Empty() {
		t.Errorf("nothing to look for: %v", err)
	}
}
