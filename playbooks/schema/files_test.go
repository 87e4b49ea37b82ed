package schema_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/playbooks/schema"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// anyActivity is the schema without the names and inputs of the activities: the compiler's test files have some of their own.
func anyActivity(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := schema.Of(all.Catalog(all.Deps{}))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	step := doc["definitions"].(map[string]any)["step"].(map[string]any)
	delete(step, "allOf")
	step["properties"].(map[string]any)["uses"] = map[string]any{"type": "string"}
	if raw, err = json.Marshal(doc); err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("any.json", value); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("any.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTheCompilersOwnFiles holds the schema against each playbook that the compiler takes, and against some that it refuses.
func TestTheCompilersOwnFiles(t *testing.T) {
	s := anyActivity(t)
	good, err := filepath.Glob("../compile/testdata/ok/*.yaml")
	if err != nil || len(good) < 4 {
		t.Fatal(good, err)
	}
	for _, file := range good {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(parsed(t, file, raw)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	bad, err := filepath.Glob("../compile/testdata/err/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var refused []string
	for _, file := range bad {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if root, problems := syntax.Parse(file, raw); root != nil && len(problems) == 0 && s.Validate(plain(root)) != nil {
			refused = append(refused, strings.TrimSuffix(filepath.Base(file), ".yaml"))
		}
	}
	t.Logf("the schema refuses %d of %d: %v", len(refused), len(bad), refused)
	for _, name := range []string{
		"approve", "approver", "catch", "endings", "header", "inputs", "requires", "rollback", "steps", "switch", "toplevel", "undo", "wait", "while",
	} {
		if !slices.Contains(refused, name) {
			t.Errorf("%s fits", name)
		}
	}
}
