package forensics

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
)

const (
	explorerTime   = 5 * time.Minute
	explorerOutput = 64 << 20
)

// answer is what docker-explorer printed, and what it means.
type answer struct {
	raw        []byte
	containers []exploredJSON
	warnings   []string
}

// exploredJSON is docker-explorer's own form.
type exploredJSON struct {
	Image   string `json:"image_name"`
	ID      string `json:"container_id"`
	ImageID string `json:"image_id"`
	Started string `json:"start_date"`
	Upper   string `json:"upper_dir"`
	Log     string `json:"log_path"`
}

func (a answer) write(w io.Writer) error {
	_, err := w.Write(a.raw)
	return err
}

// explored gives the containers, their paths as on the disk.
func (a answer) explored(root string) []Explored {
	var out []Explored
	for _, c := range a.containers {
		layer := ""
		if rest, ok := strings.CutPrefix(c.Upper, copied+"/"); ok {
			layer = path.Join(root, rest)
		}
		out = append(out, Explored{oneLine(c.ID), oneLine(c.Image), oneLine(c.ImageID), oneLine(c.Started), oneLine(layer), oneLine(c.Log)})
	}
	return out
}

// runExplorer runs docker-explorer with a list of arguments, none of them from the disk, bounded in time and output.
func runExplorer(ctx context.Context, command []string, dir string) (answer, error) {
	if len(command) == 0 {
		command = []string{"de.py"}
	}
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, explorerTime)
	defer cancel()
	args := append(append([]string{}, command[1:]...), "-r", copied, "list", "all_containers")
	c := exec.CommandContext(ctx, command[0], args...)
	out, errs := &bounded{most: explorerOutput}, &bounded{most: 64 << 10}
	c.Dir, c.Stdout, c.Stderr, c.WaitDelay = dir, out, errs, 10*time.Second
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "PYTHONIOENCODING=utf-8", "PYTHONDONTWRITEBYTECODE=1"}
	err := c.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound), missing(err):
		return answer{}, activities.Permanent(activities.Unsupported, fmt.Errorf("run docker-explorer: %w", err),
			"install it on the analysis worker (pip install docker-explorer) and name its command in the configuration; forensics.list_containers needs nothing installed")
	case err != nil && ctx.Err() != nil && caller.Err() == nil:
		return answer{}, activities.Permanent(activities.Corrupt, fmt.Errorf("docker-explorer did not end within %s", explorerTime),
			"it cannot read this Docker store; forensics.list_containers reads it without it")
	case err != nil && ctx.Err() != nil:
		return answer{}, fmt.Errorf("run docker-explorer: it was ended: %w", context.Cause(ctx))
	case err != nil:
		return answer{}, refusedBy(errs, err)
	case out.more:
		return answer{}, activities.Permanent(activities.Corrupt, fmt.Errorf("docker-explorer printed more than %d bytes", explorerOutput), "look at the image with forensics.list_containers")
	}
	return parseAnswer(out.kept.Bytes(), errs)
}

func refusedBy(errs *bounded, err error) error {
	lines := strings.Split(strings.TrimSpace(errs.kept.String()), "\n")
	return activities.Permanent(activities.Corrupt, fmt.Errorf("docker-explorer gave up: %w: %s", err, oneLine(lines[len(lines)-1])),
		"it cannot read this Docker store; forensics.list_containers reads it without it")
}

// parseAnswer takes the JSON list out of what was printed; lines of warnings may come before it.
func parseAnswer(raw []byte, errs *bounded) (answer, error) {
	a := answer{raw: bytes.Clone(raw)}
	for rest := raw; len(rest) > 0; {
		if rest[0] == '[' {
			if err := json.Unmarshal(rest, &a.containers); err != nil {
				return answer{}, refusedBy(errs, fmt.Errorf("its answer is no list: %w", err))
			}
			return a, nil
		}
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		if text := oneLine(strings.TrimSpace(string(line))); text != "" {
			a.warnings = append(a.warnings, "docker-explorer: "+text)
		}
		rest = after
	}
	return answer{}, refusedBy(errs, errors.New("it printed no list"))
}

// bounded keeps the first bytes that are written to it.
type bounded struct {
	kept bytes.Buffer // not embedded: its ReadFrom would know no bound
	most int
	more bool
}

// Write never fails, so that the command is not killed by its own pipe.
func (b *bounded) Write(p []byte) (int, error) {
	keep := min(len(p), b.most-b.kept.Len())
	b.kept.Write(p[:keep])
	b.more = b.more || keep < len(p)
	return len(p), nil
}

// resolved gives the store's directory without links at its end: a copy follows none.
func resolved(s dockerStore) (string, error) {
	root := s.root
	for range 10 {
		target, err := s.volume.ReadLink(root)
		if err != nil {
			return root, nil //nolint:nilerr // what is no link needs no resolving, and the copy itself names what cannot be read
		}
		if strings.HasPrefix(target, "/") {
			root = strings.TrimPrefix(path.Clean(target), "/")
		} else {
			root = strings.TrimPrefix(path.Join("/", path.Dir(root), target), "/")
		}
	}
	return "", fmt.Errorf("/%s is a chain of too many links", s.root)
}
