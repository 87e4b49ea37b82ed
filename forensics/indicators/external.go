package indicators

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// External runs the yara command over a copy of files, for rules outside of our own subset. The copy must be one that
// package extract made: regular files alone, and names without spaces or signs.
type External struct {
	Command   []string      // yara, and arguments that go before ours; empty: yara as it is found
	Rules     []string      // files of rules on this machine
	Timeout   time.Duration // of the whole run; 30 minutes
	MaxOutput int           // bytes; 64 MiB
}

// ExternalHit is a rule that a file of the copy matches.
type ExternalHit struct {
	Rule string   `json:"rule"`
	Tags []string `json:"tags,omitempty"`
	Path string   `json:"path"` // in the copy
}

// ErrNoYARA is returned where the command is not installed.
var ErrNoYARA = errors.New("the yara command is not installed")

// Run searches all files below a directory. What yara could not read is among the warnings. A rule file that yara refuses
// is an error with yara's own words, and so is a run that takes too long or prints too much.
func (e External) Run(ctx context.Context, dir string) (hits []ExternalHit, warnings []string, err error) {
	e = e.withDefaults()
	args, err := e.arguments()
	if err != nil {
		return nil, nil, err
	}
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	c := exec.CommandContext(ctx, e.Command[0], args...)
	out, errs := &bounded{most: e.MaxOutput}, &bounded{most: 1 << 20}
	c.Dir, c.Stdout, c.Stderr, c.WaitDelay = dir, out, errs, 10*time.Second
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	err = c.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("%w: %w", ErrNoYARA, err)
	case caller.Err() != nil:
		return nil, nil, fmt.Errorf("run yara: it was ended: %w", context.Cause(caller))
	case ctx.Err() != nil:
		return nil, nil, fmt.Errorf("run yara: it did not end within %s", e.Timeout)
	case err != nil:
		return nil, nil, fmt.Errorf("run yara: %w: %.500q", err, strings.TrimSpace(errs.kept.String()))
	case out.more:
		return nil, nil, fmt.Errorf("run yara: it printed more than %d bytes", e.MaxOutput)
	}
	hits, err = parseExternal(out.kept.String())
	return hits, errs.lines(), err
}

func (e External) withDefaults() External {
	if len(e.Command) == 0 {
		e.Command = []string{"yara"}
	}
	if e.Timeout <= 0 {
		e.Timeout = 30 * time.Minute
	}
	if e.MaxOutput <= 0 {
		e.MaxOutput = 64 << 20
	}
	return e
}

// arguments has no word of the evidence in it.
func (e External) arguments() ([]string, error) {
	if len(e.Rules) == 0 {
		return nil, errors.New("run yara: no file of rules was named")
	}
	args := append(slices.Clone(e.Command[1:]), "--recursive", "--no-follow-symlinks", "--print-tags", "--no-warnings", "--threads=1",
		"--timeout="+strconv.Itoa(max(1, int(e.Timeout.Seconds()))))
	for _, rules := range e.Rules {
		abs, err := filepath.Abs(rules) // it begins with a slash and so is no option
		if err != nil {
			return nil, fmt.Errorf("run yara: %w", err)
		}
		args = append(args, abs)
	}
	return append(args, "."), nil
}

// parseExternal reads lines such as: rule [tag,tag] ./path.
func parseExternal(text string) ([]ExternalHit, error) {
	var out []ExternalHit
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		rule, rest, ok := strings.Cut(line, " [")
		tags, file, ok2 := strings.Cut(rest, "] ")
		if !ok || !ok2 {
			return out, fmt.Errorf("run yara: it printed %.200q, which is no rule, tags and file", line)
		}
		hit := ExternalHit{Rule: rule, Path: strings.TrimPrefix(filepath.ToSlash(file), "./")}
		if tags != "" {
			hit.Tags = strings.Split(tags, ",")
		}
		out = append(out, hit)
	}
	slices.SortStableFunc(out, func(a, b ExternalHit) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
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

func (b *bounded) lines() []string {
	var out []string
	for line := range strings.Lines(b.kept.String()) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, "yara: "+strings.ToValidUTF8(line, "\uFFFD"))
		}
	}
	if b.more {
		out = append(out, "yara printed more warnings than are kept")
	}
	return out
}
