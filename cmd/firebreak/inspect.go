package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// inspectFlags are what the views of a disk can be told.
type inspectFlags struct {
	partition int
	inPlace   bool
	region    string
	since     sinceFlag
	until     sinceFlag
	hash      bool
	all       bool
	hashes    []string
	paths     []string
	yara      []string
	partial   bool
	container string
	caseDir   string
	cache     string
	out       output
}

// lookAt is one thing to look at on a disk.
type lookAt struct {
	name string
	arg  string // what its argument is, where it takes one
	long string
	show func(context.Context, *inspection, string) error
}

// wants tells whether the view has to be given its argument.
func (v lookAt) wants() bool { return v.arg != "" && v.arg[0] != '[' }

// views are all of them, in the order of the help. The first is what is shown when none is named.
func views() []lookAt {
	return []lookAt{
		{"overview", "", "the partitions, file systems and journals of the disk, and what cannot be read", showOverview},
		{"containers", "", "the containers that ran on the node, from the runtimes' own stores", showContainers},
		{"ls", "PATH", "a directory, or one file, with owners, modes and times", showEntries},
		{"last30", "", "what only the journal knows: the last half minute before the snapshot, which most readers miss", showLast},
		{"findings", "[CONTAINER]", "what stands out, the worst first: programs, cron entries, keys, miners and more in layers, volumes and on the node", showFindings},
		{"drift", "[CONTAINER]", "what containers added, changed, deleted, renamed or hid of their images, and the files in their pods' volumes", showDrift},
		{"layers", "", "the layers of images held against the digests that they are named for; a difference ends with exit code 1", showLayers},
		{"timeline", "", "files, containers, logs and logins in the order of time; -o json is for Timesketch, -o bodyfile for mactime", showTimeline},
		{"changed", "EARLIER", "the files that differ from an earlier snapshot or image of the disk, found by the blocks that do", showChanged},
		{"scan", "[PATH]", "files that lists of hashes and paths or YARA rules know, below a directory", showScan},
		{"cat", "PATH", "the bytes of a regular file", showBytes},
		{"export", "CONTAINER", "a container's merged file system, as a tar archive on the standard output", showArchive},
	}
}

func inspectCommand(a *app) *cobra.Command {
	f := &inspectFlags{}
	c := &cobra.Command{
		Use:     "inspect IMAGE|snap-… [VIEW] [ARGUMENT]",
		Short:   "Look into a disk image or an EBS snapshot: containers, files, and what only the journal knows",
		GroupID: "cases",
		Long: `Reads a raw disk image, or an EBS snapshot through the EBS direct APIs, without a mount, without root and without an
instance. The journal is replayed in memory, so that what was written in the last seconds before the snapshot is seen too.
Nothing of the disk is opened, run or followed on this machine; names are escaped.

` + viewHelp(),
		Example: `  firebreak inspect snap-0123456789abcdef0
  firebreak inspect disk.raw containers
  firebreak inspect disk.raw last30
  firebreak inspect disk.raw findings
  firebreak inspect disk.raw drift --output json
  firebreak inspect disk.raw timeline --since 2026-11-25T13:30:00Z
  firebreak inspect disk.raw timeline --output json > timeline.jsonl
  firebreak inspect disk.raw ls /etc/cron.d
  firebreak inspect disk.raw ls / --container 3fb1c0
  firebreak inspect disk.raw scan /var --hashes known-bad.sha256 --yara miners.yar
  firebreak inspect snap-0123456789abcdef0 changed snap-0fedcba9876543210
  firebreak inspect disk.raw cat /root/.bash_history
  firebreak inspect snap-0123456789abcdef0 export 3fb1c0 > container.tar`,
		Args:              cobra.RangeArgs(1, 3),
		ValidArgsFunction: completeView,
		RunE:              func(c *cobra.Command, args []string) error { return a.inspect(c.Context(), args, f) },
	}
	f.out.flag(c, "text", "json", bodyForm)
	c.Flags().IntVar(&f.partition, "partition", -1, "the partition to look into, as overview numbers them (default the largest that can be read)")
	c.Flags().BoolVar(&f.inPlace, "in-place", false, "do not replay the journal: the disk as most other readers see it")
	c.Flags().Lookup("partition").DefValue = "" // the sentence says it
	c.Flags().StringVar(&f.container, "container", "", "with ls, cat, scan and timeline: look into this container, by its id, the beginning of it, or its name")
	c.Flags().Var(&f.since, "since", "with timeline: nothing before; with last30 and findings: also what changed since then, wherever it stands")
	c.Flags().Var(&f.until, "until", "with timeline: nothing from then on")
	c.Flags().BoolVar(&f.hash, "hash", false, "with timeline: hash every file")
	c.Flags().BoolVar(&f.all, "all", false, "with drift: also what every container has, such as empty files to mount over")
	c.Flags().StringSliceVar(&f.hashes, "hashes", nil, "with scan: a list of hashes as sha256sum writes them, plain, or CSV")
	c.Flags().StringSliceVar(&f.paths, "paths", nil, "with scan: a list of paths, in which * and ? stand for parts of a name and ** for directories")
	c.Flags().StringSliceVar(&f.yara, "yara", nil, "with scan: YARA rules; modules are not known, and what else is not is said")
	c.Flags().BoolVar(&f.partial, "partial", false, "with scan: leave out lines and rules that cannot be looked for")
	c.Flags().StringVar(&f.caseDir, "case", "", "with timeline: mark what the responder did, from the custody log in this directory of a case")
	c.Flags().StringVar(&f.cache, "cache", "", "with a snapshot: a directory that keeps the blocks read, for the next look")
	c.Flags().StringVar(&f.region, "region", "", "AWS region of the snapshot (default that of your environment)")
	return c
}

func viewHelp() string {
	var b strings.Builder
	b.WriteString("Views:\n")
	for _, v := range views() {
		fmt.Fprintf(&b, "  %-22s %s\n", strings.TrimSpace(v.name+" "+v.arg), v.long)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// completeView completes image files first, then the views.
func completeView(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, v := range views() {
		names = append(names, v.name+"\t"+v.long)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// viewOf finds the view that the arguments after the image ask for, and its own argument.
func viewOf(args []string) (lookAt, string, error) {
	name, arg := views()[0].name, ""
	if len(args) > 0 {
		name = args[0]
	}
	if len(args) > 1 {
		arg = args[1]
	}
	var names []string
	for _, v := range views() {
		switch {
		case v.name != name:
			names = append(names, v.name)
		case v.wants() && arg == "":
			return lookAt{}, "", usage(fmt.Errorf("%s wants a %s", v.name, v.arg))
		case v.arg == "" && arg != "":
			return lookAt{}, "", usage(fmt.Errorf("%s takes no argument", v.name))
		default:
			return v, arg, nil
		}
	}
	return lookAt{}, "", usage(fmt.Errorf("there is no view %q; the views are %s", name, strings.Join(names, ", ")))
}

func (a *app) inspect(ctx context.Context, args []string, f *inspectFlags) error {
	v, arg, err := viewOf(args[1:])
	if err != nil {
		return err
	}
	if f.out.form == bodyForm && v.name != "timeline" {
		return usage(errors.New("only timeline is written as a body file"))
	}
	i, err := a.openInspection(ctx, args[0], f)
	if err != nil {
		return err
	}
	return errors.Join(v.show(ctx, i, arg), i.close())
}
