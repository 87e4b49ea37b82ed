package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/firebreak-ir/firebreak/activities"
)

// statement is one statement of an IAM policy document.
type statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// IAM is the policy document of the workers of one place: the union of the AWS actions that the activities there declare.
// Snapshots are tagged as they are made, so tagging is allowed in that call alone.
func IAM(definitions []activities.Definition, place activities.Place) ([]byte, error) {
	actions := map[string]bool{}
	for _, d := range definitions {
		for _, p := range d.Permissions {
			if p.IAM != "" && d.Place == place {
				actions[p.IAM] = true
			}
		}
	}
	var statements []statement
	if actions[createTags] {
		delete(actions, createTags)
		statements = append(statements, statement{
			Sid: "TagSnapshotsAsTheyAreMade", Effect: "Allow", Action: []string{createTags}, Resource: "arn:aws:ec2:*::snapshot/*",
			Condition: map[string]map[string]string{"StringEquals": {"ec2:CreateAction": "CreateSnapshots"}},
		})
	}
	if len(actions) > 0 {
		statements = slices.Insert(statements, 0, statement{
			Sid: "Firebreak", Effect: "Allow", Action: slices.Sorted(maps.Keys(actions)), Resource: "*",
		})
	}
	if statements == nil {
		statements = []statement{} // a policy that allows nothing
	}
	raw, err := json.MarshalIndent(map[string]any{"Version": "2012-10-17", "Statement": statements}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("IAM policy of %q: %w", place, err)
	}
	return append(raw, '\n'), nil
}

const createTags = "ec2:CreateTags"
