package labenv

import (
	"os"
	"testing"
)

// Complete is the environment variable that, set to anything, makes a failure of each test that would be left out. CI sets
// it: a machine that lost its loop mounts would otherwise stay green without having tested anything.
const Complete = "FIREBREAK_COMPLETE"

// LeaveOut skips a test that this machine or its lab cannot run, and says why.
func LeaveOut(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv(Complete) != "" {
		t.Fatalf(Complete+" is set, and this test cannot run: "+format, args...)
	}
	t.Skipf(format, args...)
}
