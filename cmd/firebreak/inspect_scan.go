package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/indicators"
)

const scanHead = "FOUND BY\tINDICATOR\tPATH"

// showScan looks for indicators in a directory of the disk, or of a container.
func showScan(ctx context.Context, i *inspection, arg string) error {
	p, err := onDisk(cmp.Or(arg, "/"))
	if err != nil {
		return err
	}
	set, err := i.indicators()
	if err != nil {
		return err
	}
	tree, err := i.tree(ctx)
	if err != nil {
		return err
	}
	if _, err := tree.Lstat(p); err != nil {
		return asked(arg, err)
	}
	shown := i.lines(scanHead)
	summary, err := set.Scan(ctx, tree, p, indicators.Options{Workers: 2}, func(h indicators.Hit) error {
		return shown.add(h, hitLine(h))
	})
	if err := errors.Join(err, shown.end("nothing found")); err != nil {
		return err
	}
	i.note("%d files searched, %s read; %d not searched to their end", summary.Files, quantity(summary.Bytes, "bytes"), summary.Unread)
	return nil
}

// indicators are what the flags name. A line or rule that is not understood would be one that is not found: it ends the
// search before it begins, unless --partial was said.
func (i *inspection) indicators() (indicators.Set, error) {
	var from indicators.Sources
	for _, one := range []struct {
		names []string
		to    *[]indicators.Source
	}{{i.flags.hashes, &from.Hashes}, {i.flags.paths, &from.Paths}, {i.flags.yara, &from.Rules}} {
		for _, name := range one.names {
			raw, err := os.ReadFile(name)
			if err != nil {
				return indicators.Set{}, unread(err)
			}
			*one.to = append(*one.to, indicators.Source{Name: name, Content: raw})
		}
	}
	set, problems, err := indicators.Load(from)
	if err != nil {
		return indicators.Set{}, wrong(err)
	}
	for _, problem := range problems {
		i.note("%s", problem)
	}
	switch {
	case len(problems) > 0 && !i.flags.partial:
		return indicators.Set{}, wrongf("%d lines or rules cannot be looked for; mend them, or say --partial to look for the others", len(problems))
	case set.Empty():
		return indicators.Set{}, usage(errors.New("nothing to look for: give --hashes, --paths or --yara"))
	}
	return set, nil
}

func hitLine(h indicators.Hit) string {
	what := h.Indicator
	if h.Match != nil {
		what = h.Match.Rule
		var at []string
		for _, s := range h.Match.Strings {
			at = append(at, fmt.Sprintf("%s at %d", s.ID, s.Offset))
		}
		if len(at) > 0 {
			what += " (" + strings.Join(at[:min(len(at), 3)], ", ") + ")"
		}
	}
	if h.Problem != "" {
		what = h.Problem
	}
	return fmt.Sprintf("%s\t%s\t%s", h.Kind, safe(what), safe(h.Path))
}
