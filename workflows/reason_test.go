package workflows

import "testing"

func TestARetrySaysWhatItChanges(t *testing.T) {
	for _, test := range []struct {
		d    Decision
		want string
	}{
		{Decision{Reason: "granted"}, "granted"},
		{Decision{Set: map[string]any{"node": "n1", "days": 3}}, `with {"days":3,"node":"n1"}`},
		{Decision{Reason: "a typing mistake", Set: map[string]any{"node": "n1"}}, `a typing mistake; with {"node":"n1"}`},
	} {
		if got := reasonOf(test.d); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
