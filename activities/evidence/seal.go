package evidence

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/custody"
	"github.com/firebreak-ir/firebreak/custody/bagit"
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

// Seal declares evidence.seal. with is what seals carry besides the manifests; its actions are read from the case.
func Seal(store Store, with custody.Sealing) activities.Definition {
	return activities.Define(activities.Activity[SealInput, SealOutput]{
		Name:        "evidence.seal",
		Summary:     "Makes the case directory a BagIt bag with an in-toto statement of what it holds, signed and timestamped where that is configured, and seals it in the custody log.",
		Effect:      activities.Capture,
		Volatility:  activities.Unvolatile,
		Place:       activities.OnAnalysis,
		Idempotency: "The same evidence gives the same manifest; a seal that stands and lacks nothing is not made again, and one that a kill broke off is made whole.",
		Timeout:     5 * time.Minute,
		Example: `id: seal
phase: improve
uses: evidence.seal
`,
		Run: sealer{store, with}.run,
	})
}

type sealer struct {
	store Store
	with  custody.Sealing
}

func (s sealer) run(ctx context.Context, call activities.Call, in SealInput) (SealOutput, error) {
	if err := activities.CheckStore(s.store, in.To); err != nil {
		return SealOutput{}, err
	}
	if call.DryRun {
		return SealOutput{Result: would(bagit.ManifestName, "write the manifests and the statement, and seal them")}, nil
	}
	c, by, err := open(s.store, call)
	if err != nil {
		return SealOutput{}, err
	}
	with, warnings := s.with, []string(nil)
	if with.Actions, warnings, err = actionsOf(ctx, c); err != nil {
		return SealOutput{}, err
	}
	seal, err := c.Seal(ctx, by, with)
	if err != nil {
		return SealOutput{}, err
	}
	seal.Warnings = append(warnings, seal.Warnings...)
	return SealOutput{Result: activities.Result{Status: activities.Done, Summary: sealed(seal)}, Seal: seal}, nil
}

// sealed says what was sealed, and first of all what it lacks.
func sealed(s custody.Seal) string {
	text := fmt.Sprintf("sealed %d files, %d bytes", s.Files, s.Bytes)
	if s.SignedBy == "" {
		text += ", not signed"
	} else {
		text += ", signed with key " + s.SignedBy
	}
	if !s.Stamped.IsZero() {
		text += ", stamped " + s.Stamped.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	if len(s.Warnings) > 0 {
		return "WARNING: " + strings.Join(s.Warnings, "; ") + "; " + text
	}
	return text
}
