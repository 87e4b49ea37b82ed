package findings

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/firebreak-ir/firebreak/forensics/drift"
	"github.com/firebreak-ir/firebreak/forensics/indicators/yara"
)

// Options bound what is read. The zero value is a sensible choice for every field.
type Options struct {
	MaxSearched int64 // bytes of one file that is searched for miners; 64 MiB
}

// Judge knows the rules. It is safe for concurrent use.
type Judge struct {
	rules  []Rule
	miners *yara.Rules
	opts   Options
}

// NewJudge makes a judge of the table of rules.
func NewJudge(opts Options) (*Judge, error) {
	if opts.MaxSearched <= 0 {
		opts.MaxSearched = 64 << 20
	}
	miners, err := minerRules()
	if err != nil {
		return nil, fmt.Errorf("rules of miners: %w", err)
	}
	return &Judge{rules: Rules(), miners: miners, opts: opts}, nil
}

// Judgement is what a judge says of one subject.
type Judgement struct {
	Findings []Finding // in the order of the rules
	Excuse   string    // why it does not count
	Unread   string    // what of it was not looked at, and why
}

// Look judges one subject. The new file's bytes are read once. An error is that nobody waits any more.
func (j *Judge) Look(ctx context.Context, s Subject) (Judgement, error) {
	if s.Age != nil {
		gone := s.Verdict == drift.Deleted || s.Verdict == drift.Hidden
		if why := s.Age.Excuse(gone, s.New); why != "" {
			return Judgement{Excuse: why}, nil
		}
	}
	l := &look{Subject: &s}
	unread := j.read(ctx, l)
	if err := ctx.Err(); err != nil {
		return Judgement{}, err
	}
	out := Judgement{}
	if unread != nil {
		out.Unread = unread.Error()
	}
	groups := map[string]bool{}
	for _, r := range j.rules {
		if !slices.Contains(r.Places, s.Place) || groups[r.Group] && r.Group != "" || r.Last && len(out.Findings) > 0 {
			continue
		}
		if detail, yes := r.match(l); yes {
			groups[r.Group] = true
			out.Findings = append(out.Findings, l.finding(r, detail))
		}
	}
	return out, nil
}

// read reads the first bytes of a new file, and searches all of it for miners.
func (j *Judge) read(ctx context.Context, l *look) error {
	if l.Info == nil || !l.Info.Mode().IsRegular() || l.Info.Size() == 0 || l.Verdict == drift.Deleted || l.Verdict == drift.Hidden {
		return nil
	}
	f, err := l.Open()
	if err != nil {
		return fmt.Errorf("its bytes: %w", err)
	}
	defer func() { _ = f.Close() }()
	l.head = make([]byte, min(4096, l.Info.Size()))
	n, err := f.ReadAt(l.head, 0)
	l.head = l.head[:n]
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("its first bytes: %w", err)
	}
	if !l.written() {
		return nil
	}
	if l.Info.Size() > j.opts.MaxSearched {
		return fmt.Errorf("its content was not searched: %d bytes are more than the limit of %d", l.Info.Size(), j.opts.MaxSearched)
	}
	found, err := j.miners.Scan(ctx, f, l.Info.Size(), yara.Options{MaxMatches: 1})
	if err != nil {
		return err
	}
	for _, m := range found.Matches {
		for _, s := range m.Strings {
			l.miners = append(l.miners, fmt.Sprintf("%q at byte %d", minerText(s.ID), s.Offset))
		}
	}
	return nil
}
