package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// shown is what the comparison reads of `firebreak show --output json`.
type shown struct {
	Steps []struct {
		Output json.RawMessage `json:"output"`
	} `json:"steps"`
}

type finding struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// compare looks whether the case found the program that the intruder dropped. A kwok node runs nothing: there is none.
func (d *demo) compare(ctx context.Context, id string, broken labenv.Attack) error {
	if broken.SHA256 == "" {
		return nil
	}
	var report shown
	if err := d.stage.JSON(ctx, &report, "show", id); err != nil {
		return err
	}
	found, ok := report.finding(broken.SHA256)
	if !ok {
		return fmt.Errorf("no finding of case %s has the SHA-256 of the dropped program %s, %s", id, broken.Dropped, broken.SHA256)
	}
	d.say("found: the report's finding %s has the SHA-256 of the dropped program", found.Path)
	return nil
}

// finding looks through the outputs of all steps; most of them have no findings.
func (s shown) finding(sha256 string) (finding, bool) {
	for _, step := range s.Steps {
		var output struct {
			Findings []finding `json:"findings"`
		}
		if json.Unmarshal(step.Output, &output) != nil {
			continue
		}
		for _, f := range output.Findings {
			if f.SHA256 == sha256 {
				return f, true
			}
		}
	}
	return finding{}, false
}
