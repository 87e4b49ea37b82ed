package lab

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The lab and go are played: what is under test is what test.sh does with what they leave.
const (
	playedLab = `#!/bin/sh
echo "$*" >>"$HOME/calls"
`
	playedGo = `#!/bin/sh
mkdir -p "$TMPDIR/TestCluster/001"
echo '[]' >"$TMPDIR/TestCluster/001/state.json"
echo $$ >"$HOME/testing"
exec sleep 300
`
)

func TestAnInterruptedTestRunTakesDownEveryLab(t *testing.T) {
	home := t.TempDir()
	script := playedTree(t, home)
	stale := deadProcess(t)
	killed := filepath.Join(home, "tmp", "firebreak-test-"+stale, "TestLab", "001", "lab")
	writeFile(t, filepath.Join(killed, "state.json"), "[]", 0o600)
	writeFile(t, filepath.Join(home, "state", "firebreak", "lab", "test-"+stale, "state.json"), "[]", 0o600)
	run := exec.Command("bash", script, "./...")
	run.Env = []string{"HOME=" + home, "XDG_STATE_HOME=" + home + "/state", "TMPDIR=" + home + "/tmp", "PATH=" + home + "/bin:" + os.Getenv("PATH")}
	run.Stdout, run.Stderr = t.Output(), t.Output()
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Process.Kill() })
	tester := awaitFile(t, filepath.Join(home, "testing"))
	if err := run.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := run.Wait(); err == nil {
		t.Error("an interrupted run ended well")
	}
	work := filepath.Join(home, "tmp", "firebreak-test-"+strconv.Itoa(run.Process.Pid))
	calls := "\n" + awaitFile(t, filepath.Join(home, "calls"))
	for _, want := range []string{
		"down --name test-" + stale, "down --dir " + killed,
		"down --dir " + filepath.Join(work, "TestCluster", "001"), "down --name test-" + strconv.Itoa(run.Process.Pid),
	} {
		if !strings.Contains(calls, "\n"+want+"\n") {
			t.Errorf("no %q among%s", want, calls)
		}
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(tester)); err != nil || syscall.Kill(pid, 0) == nil {
		t.Errorf("the tests still run as %s", tester)
	}
	if left, err := os.ReadDir(filepath.Join(home, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// playedTree is a checkout with the real test.sh and nothing else that is real.
func playedTree(t *testing.T, home string) (script string) {
	t.Helper()
	content, err := os.ReadFile("test.sh")
	if err != nil {
		t.Fatal(err)
	}
	script = filepath.Join(home, "tree", "lab", "test.sh")
	writeFile(t, script, string(content), 0o700)
	writeFile(t, filepath.Join(home, "tree", "lab", "bin", "lab"), playedLab, 0o700)
	writeFile(t, filepath.Join(home, "bin", "go"), playedGo, 0o700)
	return script
}

// deadProcess is the pid of a process that has ended.
func deadProcess(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(cmd.Process.Pid)
}

func writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func awaitFile(t *testing.T, path string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if raw, err := os.ReadFile(path); err == nil && len(raw) > 0 {
			return string(raw)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s was not written", path)
	return ""
}
