package compile_test

import (
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities/all"
	"github.com/firebreak-ir/firebreak/playbooks/compile"
)

func TestEveryActivitysExampleCompiles(t *testing.T) {
	catalog := all.Catalog(all.Deps{})
	for _, d := range catalog.All() {
		text := compile.Example(d.Example)
		if !strings.Contains(string(text), "uses: "+d.Name) {
			t.Errorf("%s: the example does not use it", d.Name)
		}
		_, problems := compile.Compile(d.Name, text, catalog)
		for _, p := range problems {
			t.Errorf("%v\n%s", p, text)
		}
	}
}

func TestExampleTakesEveryForm(t *testing.T) {
	catalog := all.Catalog(all.Deps{})
	for _, step := range []string{
		"- {id: seal, uses: evidence.seal}",
		"{id: seal, uses: evidence.seal}",
		"- id: seal\n  uses: evidence.seal\n",
		"id: seal\nuses: evidence.seal",
		"- id: seal\n  phase: improve\n  uses: evidence.seal\n",
		"- id: seal\n  uses: evidence.seal\n- {id: again, uses: evidence.seal}\n- id: third\n  uses: evidence.seal",
	} {
		if _, problems := compile.Compile("example", compile.Example(step), catalog); len(problems) > 0 {
			t.Errorf("%s: %v", step, problems)
		}
	}
}
