// Package leaveout skips those of the lab's tests that a machine cannot run, and fails them where nothing may be left out.
package leaveout

import (
	"os"
	"testing"
)

// Complete is the environment variable that, set to anything, makes a failure of each test that would be left out. The
// product's tests know it too; CI sets it.
const Complete = "FIREBREAK_COMPLETE"

// Test skips a test that this machine cannot run, and says why.
func Test(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv(Complete) != "" {
		t.Fatalf(Complete+" is set, and this test cannot run: "+format, args...)
	}
	t.Skipf(format, args...)
}
