package forensics_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/activities/forensics"
)

// hostileDisk holds n Docker containers whose every word grows sixfold in JSON, one that runs among them, and as many
// programs with names that do the same.
func hostileDisk(t *testing.T, n int) string {
	t.Helper()
	source := t.TempDir()
	word := strings.Repeat("<", 1000)
	for i := range n {
		id := fmt.Sprintf("%064x", i)
		config := map[string]any{
			"ID": id, "Name": "/" + word, "LogPath": word, "Created": "2026-01-01T00:00:00Z",
			"State":  map[string]any{"Running": i == n/2, "StartedAt": "2026-01-01T00:00:01Z", "FinishedAt": "0001-01-01T00:00:00Z"},
			"Config": map[string]any{"Image": word, "Labels": map[string]string{"io.kubernetes.pod.name": word, "io.kubernetes.pod.uid": word, "io.kubernetes.pod.namespace": word}},
		}
		raw, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(source, "lib/docker/containers", id, "config.v2.json"), raw)
		name := strings.Repeat("<", 240) + fmt.Sprint(i)
		writeFile(t, filepath.Join(source, "etc/cron.d", strings.Repeat("&", 250), strings.Repeat(">", 250), name), []byte("* * * * * root true\n"))
		writeFile(t, filepath.Join(source, "lib/docker/containers", name, "config.v2.json"), []byte("{"))
	}
	return makeDisk(t, source)
}

// TestOutputsFitInAHistory reads what an attacker wrote to make outputs grow: they stay below what a history takes, say
// how much there is, and begin with what matters.
func TestOutputsFitInAHistory(t *testing.T) {
	deps := forensics.Deps{Store: withImage(t, hostileDisk(t, 300)), DockerExplorer: []string{filepath.Join(t.TempDir(), "explorer")}}
	answer := fmt.Sprintf(`{"image_name":%q,"container_id":%[1]q,"image_id":%[1]q,"start_date":%[1]q,"upper_dir":%[1]q,"log_path":%[1]q},`, strings.Repeat("<", 900))
	script := "#!/bin/sh\necho '" + strings.Repeat("<", 900) + "'\nprintf '%s' '[" + strings.TrimSuffix(strings.Repeat(answer, 20), ",") + "]'\n"
	writeProgram(t, deps.DockerExplorer[0], script)

	list, err := run[forensics.ListContainersOutput](t, forensics.ListContainers(deps), call("list"), forensics.ImageInput{Image: imageName})
	fits(t, "list_containers", list, err)
	if list.Total != 300 || len(list.Containers) == 0 || list.Containers[0].State != "running" {
		t.Errorf("%d containers, the first of %d listed is %+.100v", list.Total, len(list.Containers), list.Containers)
	}
	more := fmt.Sprintf("%d more are in the evidence", list.Total-len(list.Containers))
	if !strings.Contains(list.Summary, more) || !strings.Contains(strings.Join(list.Warnings, "\n"), "more are in the evidence") {
		t.Errorf("%q does not say that %s; %d warnings", list.Summary, more, len(list.Warnings))
	}

	explored, err := run[forensics.DockerExplorerOutput](t, forensics.DockerExplorer(deps), call("explore"), forensics.ImageInput{Image: imageName})
	fits(t, "docker_explorer", explored, err)
	if explored.Total != 20 || len(explored.Containers) == 0 || !strings.Contains(explored.Summary, "more are in the evidence") {
		t.Errorf("%d of %d: %q", len(explored.Containers), explored.Total, explored.Summary)
	}

	in := forensics.LastWritesInput{Image: imageName, Since: time.Now().Add(-time.Hour)}
	last, err := run[forensics.LastWritesOutput](t, forensics.LastWrites(deps), call("last"), in)
	fits(t, "last_writes", last, err)
	if last.Total < 900 || len(last.Findings) == 0 || last.Findings[0].Severity != "high" || !strings.Contains(last.Summary, "more are in the evidence") {
		t.Errorf("%d of %d: %q", len(last.Findings), last.Total, last.Summary)
	}
}

// maxOutput leaves room below workflows.MaxOutput.
const maxOutput = 48 << 10

func fits(t *testing.T, what string, out any, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	raw, err := json.Marshal(out)
	if err != nil || len(raw) > maxOutput {
		t.Errorf("%s: %d bytes, %v", what, len(raw), err)
	}
}
