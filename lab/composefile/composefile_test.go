package composefile_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/firebreak-ir/firebreak/lab/composefile"
)

const path = "../../docker-compose.yml"

func load(t *testing.T) *types.Project {
	t.Helper()
	project, err := composefile.Load(context.Background(), path, []string{"POSTGRES_PASSWORD=p", "FIREBREAK_TOKEN=t"})
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeFileIsValid(t *testing.T) {
	project := load(t)
	names := project.ServiceNames()
	for _, want := range []string{"postgresql", "receiver", "temporal", "temporal-ui", "worker"} {
		if !slices.Contains(names, want) {
			t.Errorf("no service %q among %v", want, names)
		}
	}
}

func TestPasswordsHaveNoDefault(t *testing.T) {
	_, err := composefile.Load(context.Background(), path, nil)
	if err == nil || !strings.Contains(err.Error(), "POSTGRES_PASSWORD") {
		t.Fatalf("a compose file without a password gave %v", err)
	}
}

func TestPortsAreOnLoopback(t *testing.T) {
	for name, service := range load(t).Services {
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("service %q publishes %s on %q", name, port.Published, port.HostIP)
			}
		}
	}
}

func TestMountedFilesExist(t *testing.T) {
	for name, service := range load(t).Services {
		for _, volume := range service.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(volume.Source); err != nil {
				t.Errorf("service %q: %v", name, err)
			}
		}
	}
}

// A secret's file is mounted as it lies on the machine, so whoever makes it has to know who reads it.
func TestEverySecretIsExplained(t *testing.T) {
	explained := read(t, "../../deploy/compose/env.example")
	_, user, _ := strings.Cut(read(t, "../../Dockerfile"), "\nUSER ")
	user, _, _ = strings.Cut(user, "\n")
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range load(t).Secrets {
		want := "\n" + secret.Environment + "="
		if secret.File != "" {
			file := strings.TrimPrefix(secret.File, root+"/")
			want = "chown " + user + " " + file
		}
		if !strings.Contains(explained, want) {
			t.Errorf("env.example does not say %q, which the secret %q needs", want, name)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Whoever may read the folder may read the worker's kubeconfig in it.
func TestTheFolderWithTheKubeconfigIsNotMounted(t *testing.T) {
	for name, service := range load(t).Services {
		for _, volume := range service.Volumes {
			if info, err := os.Stat(volume.Source); volume.Type == types.VolumeTypeBind && err == nil && info.IsDir() {
				t.Errorf("service %q sees the whole folder %q", name, volume.Source)
			}
		}
	}
}
