package lab

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/lab/process"
)

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"default": true, "test-1234": true, "": false, "../evil": false, "a b": false, "-x": false, "Upper": false, strings.Repeat("x", 32): false,
	} {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("name %q: %v", name, err)
		}
	}
}

func TestTheTreeIsFoundUpwards(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Dir(here)
	for _, place := range []string{want, here, filepath.Join(here, "servers", "kubernetes")} {
		if tree, err := FindTree(t.TempDir(), place); err != nil || tree.Root != want {
			t.Errorf("from %q: %+v, %v", place, tree, err)
		}
	}
	if _, err := FindTree(t.TempDir()); !errors.Is(err, ErrNoTree) {
		t.Errorf("from nowhere: %v", err)
	}
}

func TestALabThatNeverWasIsDown(t *testing.T) {
	l := Lab{Dir: filepath.Join(t.TempDir(), "none"), Name: "none", Out: t.Output(), Now: time.Now}
	if wasUp, err := l.Down(t.Context()); wasUp || err != nil {
		t.Errorf("down: %v, %v", wasUp, err)
	}
	if state, err := l.Status(); state.Up || err != nil {
		t.Errorf("status: %+v, %v", state, err)
	}
	if _, err := os.Stat(l.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("asking made the directory")
	}
	if _, err := l.Attack(t.Context()); err == nil || !strings.Contains(err.Error(), "is not up") {
		t.Errorf("attack: %v", err)
	}
}

func TestALabWhoseServerDiedIsNotUp(t *testing.T) {
	l := Lab{Dir: t.TempDir(), Name: "dead", Out: t.Output(), Now: time.Now}
	group, err := process.Open(l.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := group.Start(t.Context(), process.Spec{Name: "etcd", Path: "sleep", Args: []string{"300"}}); err != nil {
		t.Fatal(err)
	}
	d := Description{Dir: l.Dir, Made: Made{Servers: "1", Program: "2"}}
	if err := d.save(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Running(); err != nil {
		t.Errorf("while it runs: %v", err)
	}
	for made, want := range map[Made]bool{d.Made: true, {Servers: "1", Program: "3"}: false} {
		if _, up, err := l.running(group, made); up != want || err != nil {
			t.Errorf("made of %s: up %v, %v", made, up, err)
		}
	}
	rows, err := group.Status()
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(rows[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err = l.Running(); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "etcd has ended") {
		t.Errorf("after its death: %v", err)
	}
	if _, err := l.Attack(t.Context()); err == nil || !strings.Contains(err.Error(), "etcd has ended") {
		t.Errorf("attack: %v", err)
	}
}

func TestUpTouchesNothingOfADirectoryOfSomebodyElse(t *testing.T) {
	l := Lab{Dir: t.TempDir(), Name: "foreign", Out: t.Output(), Now: time.Now}
	writeFile(t, filepath.Join(l.Dir, "aws", "data"), "mine", 0o600)
	var foreign process.ForeignError
	if _, _, err := l.Up(t.Context(), Options{}); !errors.As(err, &foreign) {
		t.Errorf("up: %v", err)
	}
	if wasUp, err := l.Down(t.Context()); wasUp || err != nil {
		t.Errorf("down: %v, %v", wasUp, err)
	}
	if state, err := l.Status(); state.Up || err != nil {
		t.Errorf("status: %+v, %v", state, err)
	}
	if entries, err := os.ReadDir(l.Dir); err != nil || len(entries) != 1 {
		t.Errorf("it holds %v now, %v", entries, err)
	}
}

func TestADescriptionComesBackAsItWas(t *testing.T) {
	d := Description{Dir: t.TempDir(), Name: "x", Nodes: []NodeEntry{{Name: "node-1", Instance: "i-1"}}, Scenario: Scenario{Volumes: []string{"vol-1"}}}
	if _, up, err := Load(d.Dir); up || err != nil {
		t.Errorf("before: %v, %v", up, err)
	}
	if err := d.save(); err != nil {
		t.Fatal(err)
	}
	got, up, err := Load(d.Dir)
	if err != nil || !up || !slices.Equal(got.Nodes, d.Nodes) || !slices.Equal(got.Scenario.Volumes, d.Scenario.Volumes) {
		t.Errorf("got %+v, %v, %v", got, up, err)
	}
}

func TestMissingPackagesAreNamedWithTheCommand(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // a machine without anything, apt-get included
	packages := debianPackages(t.Context(), t.TempDir(), true, true)
	for _, want := range []string{"busybox-static", "gcc", "iproute2", "libseccomp-dev", "mount", "python3-venv", "util-linux"} {
		if !slices.Contains(packages, want) {
			t.Errorf("%q is not among %v", want, packages)
		}
	}
	err := installPackages(t.Context(), packages, t.Output())
	if err == nil || !strings.Contains(err.Error(), "apt-get install "+strings.Join(packages, " ")) {
		t.Errorf("got %v", err)
	}
	if err := installPackages(t.Context(), nil, t.Output()); err != nil {
		t.Errorf("nothing to install: %v", err)
	}
}

// apt-get is played: a process that would be killed half-way, were it not left alone.
func TestAnInterruptDoesNotBreakOffApt(t *testing.T) {
	bin := t.TempDir()
	writeFile(t, filepath.Join(bin, "apt-get"), "#!/bin/sh\necho \"$*\" >"+bin+"/called\nsleep 0.5\necho done >"+bin+"/done\n", 0o700)
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	ctx, cancel := context.WithCancel(t.Context())
	var out strings.Builder
	ended := make(chan error)
	go func() { ended <- aptGet(ctx, &out, []string{"install", "--no-remove", "mount"}) }()
	called := awaitFile(t, filepath.Join(bin, "called"))
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Stat(filepath.Join(bin, "done")); err != nil {
		t.Errorf("apt-get was broken off: %v", err)
	}
	if want := "--quiet -o DPkg::Lock::Timeout=300 install --no-remove mount\n"; called != want {
		t.Errorf("called with %q, want %q", called, want)
	}
	if err := aptGet(ctx, &out, []string{"update"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a second one began: %v", err)
	}
}
