package forensics_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/forensics"
)

// intruded makes an image with what an intruder leaves, and what must not be followed or read.
func intruded(t *testing.T) string {
	t.Helper()
	source := t.TempDir()
	writeFile(t, filepath.Join(source, "etc/cron.d/refresh"), []byte("* * * * * root /tmp/.x\n"))
	writeFile(t, filepath.Join(source, "tmp/a\nb"), []byte("newline"))
	writeFile(t, filepath.Join(source, "tmp/large"), make([]byte, 5000))
	if err := os.Symlink("/etc/shadow", filepath.Join(source, "tmp/link")); err != nil {
		t.Fatal(err)
	}
	return makeDisk(t, source)
}

func extracted(t *testing.T, deps forensics.Deps, in forensics.ExtractFilesInput) forensics.ExtractFilesOutput {
	t.Helper()
	in.Image = imageName
	out, err := run[forensics.ExtractFilesOutput](t, forensics.ExtractFiles(deps), call("take"), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestExtractFiles takes files as they are, says what it did not take, and gives the same a second time.
func TestExtractFiles(t *testing.T) {
	deps := forensics.Deps{Store: withImage(t, intruded(t))}
	in := forensics.ExtractFilesInput{
		Paths: []string{"/etc/cron.d/refresh", "tmp/a\nb", "/tmp/large", "/tmp/link", "/tmp", "/gone"}, MaxFileBytes: 4999,
		Findings: []forensics.Finding{{Path: "etc/cron.d/refresh"}},
	}
	out := extracted(t, deps, in)
	if len(out.Files) != 2 || len(out.Items) != 3 || !strings.HasPrefix(out.Summary, "2 files taken") {
		t.Fatalf("%+v", out)
	}
	c, err := deps.Store.Case(call("take").Case)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"* * * * * root /tmp/.x\n", "newline"} {
		raw, err := os.ReadFile(filepath.Join(c.Dir(), out.Files[i].Evidence))
		if err != nil || string(raw) != want {
			t.Errorf("%s: %q, %v", out.Files[i].Evidence, raw, err)
		}
	}
	for i, want := range []string{`"/tmp/large": it has 5000 bytes`, `"/tmp/link": it is no regular file`, `"/tmp": it is no regular file`, `"/gone": file does not exist`} {
		if !strings.HasPrefix(out.Left[i], want) {
			t.Errorf("left %q, want %q", out.Left[i], want)
		}
	}
	if again := extracted(t, deps, in); again.Items[0] != out.Items[0] || again.Summary != out.Summary {
		t.Errorf("a second run differs: %+v", again)
	}
}

// TestExtractFilesWantsPlainPaths refuses what is no path of one file before anything is read.
func TestExtractFilesWantsPlainPaths(t *testing.T) {
	for _, p := range []string{"", "/", "/etc/../shadow", "//etc", "/etc/"} {
		_, err := run[forensics.ExtractFilesOutput](t, forensics.ExtractFiles(forensics.Deps{}), call("take"), forensics.ExtractFilesInput{Image: imageName, Paths: []string{p}})
		if kindOf(err) != activities.InvalidInput {
			t.Errorf("%q: %v", p, err)
		}
	}
}
