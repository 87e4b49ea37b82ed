package realnode

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
)

// findRunc chooses the runc that was built for the lab, or the machine's where ours lacks seccomp: that needs the C
// library libseccomp at build time, and containerd runs no sandbox without it. The path is the one inside the node.
func findRunc(ctx context.Context, bin string) (string, error) {
	if hasSeccomp(ctx, filepath.Join(bin, "runc")) {
		return "/run/bin/runc", nil
	}
	if path, err := exec.LookPath("runc"); err == nil && hasSeccomp(ctx, path) {
		return path, nil
	}
	return "", fmt.Errorf("the runc in %q has no seccomp, nor has the machine's; install one with: apt-get install runc", bin)
}

// hasSeccomp asks runc itself; a runc that cannot answer is as good as none.
func hasSeccomp(ctx context.Context, runc string) bool {
	output, err := exec.CommandContext(ctx, runc, "features").Output()
	if err != nil {
		return false
	}
	var features struct {
		Linux struct {
			Seccomp struct {
				Enabled bool `json:"enabled"`
			} `json:"seccomp"`
		} `json:"linux"`
	}
	return json.Unmarshal(output, &features) == nil && features.Linux.Seccomp.Enabled
}
