package evidence

import (
	"context"
	"fmt"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
)

// SealInput is the input of evidence.seal.
type SealInput struct {
	To string `json:"to,omitempty" doc:"Evidence store, file:// and the worker's own directory; the worker's own when empty"`
}

// SealOutput is the output of evidence.seal.
type SealOutput struct {
	activities.Result
	custody.Seal
}

// Seal declares evidence.seal.
func Seal(store Store) activities.Definition {
	return activities.Define(activities.Activity[SealInput, SealOutput]{
		Name:        "evidence.seal",
		Summary:     "Writes the manifest of all evidence, which `sha256sum -c` verifies, and seals it in the custody log.",
		Effect:      activities.Capture,
		Volatility:  activities.Unvolatile,
		Place:       activities.OnAnalysis,
		Idempotency: "The same evidence gives the same manifest; a seal that stands is not written again.",
		Timeout:     5 * time.Minute,
		Example: `id: seal
phase: improve
uses: evidence.seal
`,
		Run: sealer{store}.run,
	})
}

type sealer struct{ store Store }

func (s sealer) run(ctx context.Context, call activities.Call, in SealInput) (SealOutput, error) {
	if err := activities.CheckStore(s.store, in.To); err != nil {
		return SealOutput{}, err
	}
	if call.DryRun {
		return SealOutput{Result: would(custody.ManifestName, "write the manifest and seal it")}, nil
	}
	c, by, err := open(s.store, call)
	if err != nil {
		return SealOutput{}, err
	}
	seal, err := c.Seal(ctx, by)
	if err != nil {
		return SealOutput{}, err
	}
	summary := fmt.Sprintf("sealed %d files, %d bytes", seal.Files, seal.Bytes)
	return SealOutput{Result: activities.Result{Status: activities.Done, Summary: summary}, Seal: seal}, nil
}
