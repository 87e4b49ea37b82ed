package build

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// module writes a tiny server module that needs nothing from outside.
func module(t *testing.T, dir, name, body string) Server {
	t.Helper()
	files := map[string]string{
		"go.mod":  "module example.test/" + name + "\n\ngo 1.26.0\n",
		"go.sum":  "",
		"main.go": body,
	}
	for file, text := range files {
		path := filepath.Join(dir, name, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Server{Module: name, Programs: map[string]string{name: "example.test/" + name}, LDFlags: strip}
}

func key(t *testing.T, source string, servers []Server, toolchain string) string {
	t.Helper()
	k, err := Key(source, servers, toolchain)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyFollowsVersionsFlagsAndCompiler(t *testing.T) {
	source := t.TempDir()
	server := module(t, source, "one", "package main\nfunc main() {}\n")
	base := key(t, source, []Server{server}, "go1.26.8")
	if again := key(t, source, []Server{server}, "go1.26.8"); again != base {
		t.Error("the same sources gave two keys")
	}
	flags := server
	flags.LDFlags = ""
	if key(t, source, []Server{flags}, "go1.26.8") == base {
		t.Error("other flags, same key")
	}
	if key(t, source, []Server{server}, "go1.26.9") == base {
		t.Error("other compiler, same key")
	}
	if err := os.WriteFile(filepath.Join(source, "one", "go.sum"), []byte("x v1 h1:y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if key(t, source, []Server{server}, "go1.26.8") == base {
		t.Error("other versions, same key")
	}
}

func TestTheLabsOwnModulesHaveAKey(t *testing.T) {
	key(t, filepath.Join("..", "servers"), Servers(), "go")
}

func TestTheKeyDoesNotDependOnTheWorkingDirectory(t *testing.T) {
	b, _, _ := builder(t, "package main\nfunc main() {}\n")
	want, err := b.Key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	if err := os.WriteFile(filepath.Join(elsewhere, "go.mod"), []byte("module example.test/other\n\ngo 1.999.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(elsewhere)
	t.Setenv("GOTOOLCHAIN", "local")
	if got, err := b.Key(t.Context()); err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// builder works on modules named like the lab's own, so that the cache key can be computed.
func builder(t *testing.T, body string) (Builder, []Server, *bytes.Buffer) {
	t.Helper()
	source, out := t.TempDir(), new(bytes.Buffer)
	for _, server := range Servers() {
		module(t, source, server.Module, body)
	}
	server := module(t, source, "etcd", body)
	return Builder{Source: source, Cache: t.TempDir(), Out: out, Now: time.Now}, []Server{server}, out
}

func TestEnsureBuildsOnce(t *testing.T) {
	b, servers, out := builder(t, "package main\nfunc main() {}\n")
	first, err := b.Ensure(t.Context(), servers)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(first.Binaries.Path("etcd")); err != nil || len(first.Built) != 1 {
		t.Errorf("first time built %v, %v", first.Built, err)
	}
	if !strings.Contains(out.String(), "etcd: built in") {
		t.Errorf("output does not say what was built:\n%s", out)
	}
	second, err := b.Ensure(t.Context(), servers)
	if err != nil || len(second.Built) != 0 {
		t.Errorf("second time built %v, %v", second.Built, err)
	}
	left, err := filepath.Glob(filepath.Join(b.Cache, "*", ".build-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTwoBuildersOfOneCacheBuildOnce(t *testing.T) {
	b, servers, _ := builder(t, "package main\nfunc main() {}\n")
	b.Out = new(discard)
	var wait sync.WaitGroup
	built := make(chan int, 4)
	for range cap(built) {
		wait.Go(func() {
			result, err := b.Ensure(context.Background(), servers)
			if err != nil {
				t.Error(err)
			}
			built <- len(result.Built)
		})
	}
	wait.Wait()
	close(built)
	total := 0
	for n := range built {
		total += n
	}
	if total != 1 {
		t.Errorf("built %d times", total)
	}
}

func TestACompileErrorIsQuotedAndLeavesNoProgram(t *testing.T) {
	b, servers, _ := builder(t, "package main\nfunc main() { undefinedThing() }\n")
	if _, err := b.Ensure(t.Context(), servers); err == nil || !strings.Contains(err.Error(), "undefinedThing") {
		t.Errorf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(b.Cache, "*", "bin", "*")); len(left) != 0 {
		t.Errorf("a failed build left %v", left)
	}
}

func TestKubebuilderAssetsAreUsedWhenWhole(t *testing.T) {
	b, servers, _ := builder(t, "package main\nfunc main() {}\n")
	b.Assets = t.TempDir()
	for _, name := range []string{"kube-apiserver", "etcd"} {
		if b.assets() != nil {
			t.Error("a half folder was taken")
		}
		if err := os.WriteFile(filepath.Join(b.Assets, name), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	result, err := b.Ensure(t.Context(), servers)
	if err != nil || len(result.Built) != 0 {
		t.Errorf("built %v, %v", result.Built, err)
	}
	if got, want := result.Binaries.Path("etcd"), filepath.Join(b.Assets, "etcd"); got != want {
		t.Errorf("etcd is %q, want %q", got, want)
	}
}

type discard struct{}

func (*discard) Write(p []byte) (int, error) { return len(p), nil }
