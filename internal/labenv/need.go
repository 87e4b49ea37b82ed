package labenv

import (
	"os"
	"os/exec"
	"testing"
)

// NeedTool skips a test whose tool this machine lacks. Where a lab was named the tool was installed with it, and a test
// that does not run is a failure: `make test` skips nothing for want of a tool.
func NeedTool(t testing.TB, tool, install string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err == nil {
		return
	}
	if os.Getenv(Variable) != "" {
		t.Fatalf("%s is not installed, though there is a lab: %s", tool, install)
	}
	t.Skipf("%s is not installed: %s", tool, install)
}
