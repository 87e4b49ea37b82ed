package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func shell(name, script string) Spec {
	return Spec{Name: name, Path: "/bin/sh", Args: []string{"-c", script}, Grace: 300 * time.Millisecond}
}

func open(t *testing.T, options ...Option) *Group {
	t.Helper()
	g, err := Open(t.TempDir(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return g
}

func pidOf(t *testing.T, g *Group, name string) int {
	t.Helper()
	rows, err := g.Status()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Name == name {
			return row.PID
		}
	}
	t.Fatalf("no process %q in %v", name, rows)
	return 0
}

func TestStartWaitsForReadyAndDownEndsIt(t *testing.T) {
	g := open(t)
	spec := shell("server", "sleep 0.2; echo up > ready; sleep 100")
	ready := filepath.Join(g.Dir(), "ready")
	spec.Ready = func(context.Context) error { _, err := os.Stat(ready); return err }
	if err := g.Start(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	pid := pidOf(t, g, "server")
	if err := g.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := identify(pid); !errors.Is(err, errGone) {
		t.Errorf("process %d still runs after Down", pid)
	}
	if empty, err := g.Empty(); err != nil || !empty {
		t.Errorf("after Down: empty %v, %v", empty, err)
	}
}

func TestChildThatEndsFailsAtOnceWithItsLog(t *testing.T) {
	g := open(t)
	spec := shell("broken", "echo no such flag: --frobnicate >&2; exit 3")
	spec.Ready = func(context.Context) error { return errors.New("not yet") }
	begin := time.Now()
	err := g.Start(t.Context(), spec)
	if err == nil || !strings.Contains(err.Error(), "--frobnicate") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
	if waited := time.Since(begin); waited > 5*time.Second {
		t.Errorf("waited %s for a child that had ended", waited)
	}
}

func TestNotReadyInTimeSaysWhy(t *testing.T) {
	g := open(t)
	spec := shell("slow", "sleep 100")
	spec.Within = 200 * time.Millisecond
	spec.Ready = func(context.Context) error { return errors.New("connection refused") }
	if err := g.Start(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
}

func TestStubbornChildIsKilledAfterTheGrace(t *testing.T) {
	g := open(t)
	if err := g.Start(t.Context(), shell("stubborn", "trap '' TERM; while :; do sleep 0.1; done")); err != nil {
		t.Fatal(err)
	}
	pid := pidOf(t, g, "stubborn")
	if err := g.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := identify(pid); !errors.Is(err, errGone) {
		t.Errorf("process %d survived", pid)
	}
}

func TestReusedPIDIsNeverSignalled(t *testing.T) {
	g := open(t)
	bystander := exec.Command("sleep", "100")
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bystander.Process.Kill(); _ = bystander.Wait() }()
	id, err := identify(bystander.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []ID{
		{PID: id.PID, Start: id.Start - 1, Boot: id.Boot},
		{PID: id.PID, Start: id.Start, Boot: "another boot"},
	} {
		if err := g.state.write([]Entry{{Process: &Process{Name: "old", ID: other}}}); err != nil {
			t.Fatal(err)
		}
		if err := g.Down(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !id.alive() {
			t.Fatalf("down with record %+v ended somebody else's process", other)
		}
	}
}

// A killed `lab up` may leave a child whose pid was never recorded; its marker finds it.
func TestDownFindsAChildThatWasNeverRecorded(t *testing.T) {
	g := open(t)
	if err := g.intend(shell("orphan", "")); err != nil {
		t.Fatal(err)
	}
	child := exec.Command("sleep", "100")
	child.Env = []string{g.marker("orphan")}
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	if err := g.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the unrecorded child ended of itself")
		}
	case <-time.After(5 * time.Second):
		_ = child.Process.Kill()
		t.Error("the unrecorded child still runs")
	}
}

func TestDescendantInItsOwnSessionEndsToo(t *testing.T) {
	g := open(t)
	if err := g.Start(t.Context(), shell("parent", "setsid sleep 98765 & sleep 0.2; sleep 100")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	if err := g.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := marked(g.marker("parent")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestDownUndoesInReverseAndKeepsWhatFailed(t *testing.T) {
	var undone []string
	fail := true
	record := func(_ context.Context, target string) error {
		if target == "b" && fail {
			return errors.New("busy")
		}
		undone = append(undone, target)
		return nil
	}
	g := open(t, WithCleanup("record", record))
	for _, target := range []string{"a", "b", "c"} {
		if err := g.OnDown(Cleanup{Kind: "record", Target: target}); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Down(t.Context()); err == nil || !strings.Contains(err.Error(), `record "b": busy`) {
		t.Errorf("got %v", err)
	}
	fail = false
	if err := g.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(undone, ""); got != "cab" {
		t.Errorf("undone in order %q, want c a, then b on the second try", got)
	}
}

func TestUnknownCleanupIsRefusedBeforeItIsNeeded(t *testing.T) {
	if err := open(t).OnDown(Cleanup{Kind: "unheard of", Target: "x"}); err == nil {
		t.Error("recorded a cleanup that nobody can do")
	}
}

func TestASecondProcessOfOneNameIsRefused(t *testing.T) {
	g := open(t)
	if err := g.Start(t.Context(), shell("one", "sleep 100")); err != nil {
		t.Fatal(err)
	}
	if err := g.Start(t.Context(), shell("one", "sleep 100")); err == nil {
		t.Error("started twice")
	}
}

func TestFreePortsDiffer(t *testing.T) {
	ports, err := FreePorts(t.Context(), 12)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, port := range ports {
		if seen[port] {
			t.Errorf("port %d twice", port)
		}
		seen[port] = true
	}
}

func TestTryLockAnswersAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, free, err := TryLock(path); err != nil || free {
		t.Errorf("a held lock: free %v, %v", free, err)
	}
	unlock()
	again, free, err := TryLock(path)
	if err != nil || !free {
		t.Fatalf("a released lock: free %v, %v", free, err)
	}
	again()
}

func TestADirectoryOfSomebodyElseIsLeftAlone(t *testing.T) {
	for name, text := range map[string]string{"aws/data": "mine", "state.json": `{"version": 4}`} {
		dir := t.TempDir()
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir)
		if err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("opened a directory with %s: %v", name, err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("the directory with %s holds %v now", name, entries)
		}
	}
}

func TestADirectoryOfAnEarlierGroupIsTakenAgain(t *testing.T) {
	g := open(t)
	if err := g.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(g.Dir()); err != nil {
		t.Error(err)
	}
}

func TestWaitingForALockSaysSoAndCanBeInterrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := LockAloud(ctx, path, &out, "somebody"); !errors.Is(err, context.DeadlineExceeded) || out.String() != "waiting for somebody\n" {
		t.Errorf("said %q, %v", out.String(), err)
	}
	unlock()
	if unlock, err = LockAloud(t.Context(), path, &out, "nobody"); err != nil || strings.Contains(out.String(), "nobody") {
		t.Fatalf("said %q, %v", out.String(), err)
	}
	unlock()
}
