package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

type versionInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionCommand(a *app) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  firebreak version\n  firebreak version --output json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := a.build()
			if out.json() {
				return printJSON(a.stdout, v)
			}
			_, err := fmt.Fprintf(a.stdout, "firebreak %s (%s, %s)\n", v.Version, v.Go, v.Platform)
			return err
		},
	}
	out.flag(c, "text", "json")
	return c
}

// build says what was built: the linker's version first, then what the Go tool recorded.
func (s system) build() versionInfo {
	v := versionInfo{Version: s.version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		v.Version = cmp.Or(v.Version, "unknown")
		return v
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			v.Commit = setting.Value
		case "vcs.modified":
			v.Modified = setting.Value == "true"
		}
	}
	v.Version = cmp.Or(v.Version, info.Main.Version, "unknown")
	return v
}
