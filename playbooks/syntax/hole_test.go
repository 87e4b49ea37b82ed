package syntax

import (
	"strings"
	"testing"
)

func TestHoleInFlow(t *testing.T) {
	for line, want := range map[string]int{
		"": 0, "$": 0, "$$": 0, "${": 0, "a: $": 0, "{a: ${": 0, "{a: $x{{": 0, "$ {{": 0,
		"a: ${{ b }}":            0, // outside of a flow, where no quotes are needed
		"{a: ${{ b }}}":          5,
		"[${{":                   2,
		"{ä: ${{ b }}}":          5,
		"{a: $${{ b }}}":         6,
		"{a: '${{ b }}'}":        0,
		`{a: "${{ b }}"}`:        0,
		"{a: '${{ b }}', c: ${{": 20,
		"{a: b} ${{":             0,
	} {
		column, in := holeInFlow([]rune(line))
		if !in {
			column = 0
		}
		if column != want {
			t.Errorf("%q: got column %d, want %d", line, column, want)
		}
	}
}

// TestHoleInFlowCopiesNothing: a copy of the rest of the line for each dollar would make a long line a quadratic one.
func TestHoleInFlowCopiesNothing(t *testing.T) {
	line := []rune("{" + strings.Repeat("$", 1000))
	if copies := testing.AllocsPerRun(10, func() { holeInFlow(line) }); copies > 0 {
		t.Errorf("%v allocations for %d dollars", copies, len(line)-1)
	}
}

func BenchmarkParseLineOfDollars(b *testing.B) {
	data := []byte("{" + strings.Repeat("$", MaxBytes-1))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		Parse("f", data)
	}
}
