package custody

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// TestThePythonLibraryTakesTheBag has the Library of Congress's bagit validate a sealed case, and refuse an altered one.
func TestThePythonLibraryTakesTheBag(t *testing.T) {
	t.Parallel()
	python := labenv.Load(t).Tools.Python
	bagit := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), python, args...)
		cmd.Dir = t.TempDir() // Python would take a folder here for the library
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if _, err := bagit("-c", "import bagit"); err != nil {
		labenv.LeaveOut(t, "the lab's Python has no bagit: start the lab anew")
	}
	validate := func(c *Case) (string, error) { return bagit("-m", "bagit", "--validate", c.dir) }
	for name, c := range map[string]*Case{"signed": signedCase(t), "begun by a former version": begunBefore(t)} {
		if out, err := validate(c); err != nil || !strings.Contains(out, "is valid") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	for _, name := range []string{"data/logs/shop/web.log", "bag-info.txt", "manifest-sha256.txt", "evidence.intoto.jsonl"} {
		c := signedCase(t)
		if err := os.WriteFile(placeOf(c, name), []byte("Payload-Oxum: 1.1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := validate(c); err == nil {
			t.Errorf("%s was altered, and it says\n%s", name, out)
		}
	}
}
