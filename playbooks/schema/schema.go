// Package schema makes the JSON Schema of playbooks from the catalog of activities, for editors that complete and check
// while somebody types. The compiler knows more: the schema cannot see what an expression gives.
package schema

import (
	"encoding/json"
	"fmt"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
)

// Draft is the version of JSON Schema: the one that the language servers of YAML know whole.
const Draft = "http://json-schema.org/draft-07/schema#"

// object is a part of a schema.
type object = map[string]any

// Of gives the schema of playbooks that use these activities, indented.
func Of(catalog activities.Catalog) ([]byte, error) {
	b := &builder{catalog: catalog, definitions: object{}}
	root, err := b.playbook()
	if err != nil {
		return nil, err
	}
	return written(root)
}

// OfInput gives the schema of one activity's input, as it stands under `with`.
func OfInput(d activities.Definition) ([]byte, error) {
	in, err := activities.TypeOf(d.In)
	if err != nil {
		return nil, fmt.Errorf("activity %q: %w", d.Name, err)
	}
	root := fields(in)
	root["$schema"], root["title"], root["description"] = Draft, d.Name, d.Summary
	return written(root)
}

func written(root object) ([]byte, error) {
	raw, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(raw, '\n'), nil
}

type builder struct {
	catalog     activities.Catalog
	definitions object
}

func (b *builder) playbook() (object, error) {
	step, err := b.step()
	if err != nil {
		return nil, err
	}
	b.definitions["step"] = step
	b.definitions["steps"] = object{"type": "array", "items": ref("step"), "minItems": 1}
	b.definitions["duration"] = text("A time such as 90s, 5m or 2h30m", `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`)
	b.definitions["retry"] = retry()
	b.definitions["condition"] = object{"type": []string{"string", "boolean"}, "description": "A CEL expression that gives true or false, written bare"}
	out := closed("A playbook of Firebreak", object{
		"apiVersion": object{"const": "firebreak/v1"},
		"kind":       object{"const": "Playbook"},
		"metadata":   metadata(),
		"inputs":     object{"type": "object", "description": "What a run may be given", "additionalProperties": input()},
		"triggers":   object{"type": "array", "description": "What starts a run", "items": trigger()},
		"dedup":      dedup(),
		"guards":     guards(),
		"approvers": object{
			"type": "object", "description": "Circles of people who may decide", "additionalProperties": approver(),
			"propertyNames": object{"pattern": `^[a-z][a-z0-9-]{0,39}$`},
		},
		"defaults": closed("What a step takes when it says nothing itself", object{
			"timeout": ref("duration"), "retry": ref("retry"), "onError": onError(),
		}),
		"steps":   ref("steps"),
		"finally": object{"type": "array", "items": ref("step"), "description": "Steps that run in any case, at the end"},
		"outputs": object{"type": "object", "description": "Named values of a run that completed"},
		"slo":     slo(),
	}, "apiVersion", "kind", "metadata", "steps")
	out["$schema"], out["definitions"] = Draft, b.definitions
	return out, nil
}

// closed is an object with these keys and no other.
func closed(description string, properties object, required ...string) object {
	out := object{"type": "object", "properties": properties, "additionalProperties": false}
	if description != "" {
		out["description"] = description
	}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func ref(name string) object { return object{"$ref": "#/definitions/" + name} }

func text(description, pattern string) object {
	out := object{"type": "string"}
	if description != "" {
		out["description"] = description
	}
	if pattern != "" {
		out["pattern"] = pattern
	}
	return out
}

func texts(description string) object {
	return object{"type": "array", "items": object{"type": "string"}, "description": description}
}

func words(description string, list ...string) object {
	return object{"enum": list, "description": description}
}

func whole(description string, least, most int) object {
	return object{"type": "integer", "minimum": least, "maximum": most, "description": description}
}

func onError() object {
	return words("What a failure does that retries did not mend", string(plan.Hold), string(plan.Continue), string(plan.Fail), string(plan.RollBack))
}

func retry() object {
	return closed("How often and when an activity is tried again", object{
		"attempts": whole("The first one included", 1, 1000),
		"initial":  ref("duration"), "max": ref("duration"),
		"backoff": object{"type": "number", "minimum": 1, "maximum": 10},
		"jitter":  object{"type": "number", "minimum": 0, "maximum": 1, "description": "Share by which a wait is made shorter or longer"},
		"never":   texts("Kinds of failure that are final"),
		"when":    ref("condition"),
	})
}
