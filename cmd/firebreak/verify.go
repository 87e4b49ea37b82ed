package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/custody"
)

// verification is what `firebreak verify --output json` prints.
type verification struct {
	Whole bool `json:"whole"`
	custody.Report
}

type verifyFlags struct {
	keys  []string
	tsaCA string
	out   output
}

func verifyCommand(a *app) *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:     "verify DIR",
		Short:   "Check the evidence of a case: files, manifests, statement, signature, timestamp, the custody log's chain",
		GroupID: "cases",
		Long: `Checks a case directory with nothing but itself and public keys, and names every place that is wrong, to the byte where
that can be known. It changes nothing in the directory and follows no link out of it. It ends with 0 where all is right, with 1
where something is wrong, with 2 for a wrong command line and with 3 where the directory cannot be read.

With --key one of these keys must have signed the statement; with --tsa-ca the authority must have stamped it. What could
not be checked without them is said. The hash that is printed last is the head of the custody log: it also stands in
Temporal's history, where nobody who can write to the directory can change it. docs/evidence.md says how to check a case
without Firebreak.`,
		Example: `  firebreak verify evidence/pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f
  firebreak verify --key evidence.pub --tsa-ca tsa-root.pem evidence/pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f
  firebreak verify --output json evidence/pod-compromise-1a2b3c4d5e6f7a8b.9c0d1e2f`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		RunE: func(c *cobra.Command, args []string) error {
			v, err := a.verify(c.Context(), args[0], f)
			if err != nil {
				return err
			}
			return a.printVerified(v, f.out)
		},
	}
	c.Flags().StringArrayVar(&f.keys, "key", nil, "file with a public key that may have signed the evidence; may be given several times")
	c.Flags().StringVar(&f.tsaCA, "tsa-ca", "", "file with the root certificates of the time-stamping authority (PEM)")
	f.out.flag(c, "text", "json")
	return c
}

func (a *app) verify(ctx context.Context, dir string, f verifyFlags) (verification, error) {
	if info, err := os.Stat(filepath.Join(dir, custody.LogName)); err != nil || info.IsDir() {
		return verification{}, wrongf("%q is no case directory: it holds no %s", dir, custody.LogName)
	}
	options, err := verifyOptions(f)
	if err != nil {
		return verification{}, err
	}
	shown, wipe := a.readingBar()
	options.Progress = shown
	r, err := custody.Verify(ctx, dir, options)
	wipe()
	return verification{Whole: len(r.Problems) == 0, Report: r}, err
}

// verifyOptions reads the keys and the certificates that the command line names.
func verifyOptions(f verifyFlags) (custody.Options, error) {
	var options custody.Options
	for _, name := range f.keys {
		key, err := config.ReadPublic(config.SigningKey{File: name})
		if errors.Is(err, os.ErrNotExist) {
			return options, unread(fmt.Errorf("key: %w", err))
		}
		if err != nil {
			return options, wrongf("key %q: %w", name, err)
		}
		options.Keys = append(options.Keys, append(ed25519.PublicKey{}, key...))
	}
	if f.tsaCA == "" {
		return options, nil
	}
	roots, err := config.ReadRoots(f.tsaCA)
	if errors.Is(err, os.ErrNotExist) {
		return options, unread(fmt.Errorf("root certificates: %w", err))
	}
	if err != nil {
		return options, wrong(err)
	}
	options.Roots = roots
	return options, nil
}

// readingBar draws how much of the evidence is read, on a terminal alone. The second function wipes it away.
func (a *app) readingBar() (shown func(file string, done, total int64), wipe func()) {
	if !a.terminal {
		return nil, func() {}
	}
	drawn := time.Time{}
	shown = func(file string, done, total int64) {
		if a.now().Sub(drawn) < 100*time.Millisecond {
			return
		}
		drawn = a.now()
		far := activities.Progress{Done: done, Total: total, Unit: "bytes"}
		fmt.Fprintf(a.stderr, "\r\x1b[K%s %s  %s", bar(done, total, 20), amount(far), safe(cut(file, max(a.width-60, 10))))
	}
	return shown, func() {
		if !drawn.IsZero() {
			fmt.Fprint(a.stderr, "\r\x1b[K")
		}
	}
}

func (a *app) printVerified(v verification, out output) error {
	if out.json() {
		if err := printJSON(a.stdout, v); err != nil {
			return err
		}
	} else {
		a.printVerification(v)
	}
	if !v.Whole {
		return said(exitWrong)
	}
	return nil
}

func (a *app) printVerification(v verification) {
	p := palette{a.colours()}
	for _, problem := range v.Problems {
		fmt.Fprintf(a.stdout, "%s  %s\n", p.red("wrong"), safe(problem.Error()))
	}
	for _, notice := range v.Notices {
		fmt.Fprintf(a.stdout, "%s   %s\n", p.yellow("note"), safe(notice))
	}
	if len(v.SignedBy) > 0 {
		fmt.Fprintf(a.stdout, "signed with key %s\n", safe(strings.Join(v.SignedBy, ", ")))
	}
	if !v.Stamped.IsZero() {
		fmt.Fprintf(a.stdout, "stamped %s\n", v.Stamped.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	word := p.green("whole")
	if !v.Whole {
		word = p.red("not whole")
	}
	fmt.Fprintf(a.stdout, "%s  %s: %d files, %s, %d log entries\nhead   %s\n", word, safe(v.Case), v.Files,
		quantity(v.Bytes, "bytes"), v.Entries, safe(v.Head))
}
