package activities_test

import (
	"context"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
)

type (
	podIn struct {
		Pod string `json:"pod"`
	}
	podInMore struct {
		Pod  string `json:"pod" doc:"The pod"`
		Deep bool   `json:"deep,omitempty"`
	}
	podInMust struct {
		Pod  string `json:"pod"`
		Deep bool   `json:"deep"`
	}
	podOut struct {
		activities.Result
		Nodes []podIn `json:"nodes"`
	}
	podOutOther struct {
		activities.Result
		Nodes []string `json:"nodes"`
	}
)

func essence[In, Out any](t *testing.T, effect activities.Effect, undo bool) string {
	t.Helper()
	a := activities.Activity[In, Out]{Name: "t.act", Effect: effect, Place: activities.OnCluster}
	if undo {
		a.Undo = func(context.Context, activities.Call, In, Out) error { return nil }
	}
	got, err := activities.Essence(activities.Define(a))
	if err != nil || len(got) != 16 {
		t.Fatalf("%q, %v", got, err)
	}
	return got
}

// TestEssenceIsWhatAPlanTakesForGranted: another optional field is no other activity, and everything else is.
func TestEssenceIsWhatAPlanTakesForGranted(t *testing.T) {
	base := essence[podIn, podOut](t, activities.Read, false)
	if more := essence[podInMore, podOut](t, activities.Read, false); more != base {
		t.Error("an optional field and a doc make it another")
	}
	for name, other := range map[string]string{
		"a field that must be given": essence[podInMust, podOut](t, activities.Read, false),
		"another output":             essence[podIn, podOutOther](t, activities.Read, false),
		"another effect":             essence[podIn, podOut](t, activities.Destroy, false),
		"an undo":                    essence[podIn, podOut](t, activities.Read, true),
	} {
		if other == base {
			t.Errorf("%s makes it no other", name)
		}
	}
}
