// Package composefile reads the project's docker-compose.yml with compose's own parser, which is how it is tested on
// machines without a container engine.
package composefile

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// Load reads the compose file at path with these environment variables and no others.
func Load(ctx context.Context, path string, env []string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{path},
		cli.WithWorkingDirectory(filepath.Dir(path)), cli.WithEnv(env), cli.WithResolvedPaths(true))
	if err != nil {
		return nil, fmt.Errorf("compose file %q: %w", path, err)
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return nil, fmt.Errorf("compose file %q: %w", path, err)
	}
	return project, nil
}
