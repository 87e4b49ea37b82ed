package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/compile"
)

func lockCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "lock FOLDER…",
		Short:   "Write down which playbooks the calls of a folder's playbooks mean",
		GroupID: "playbooks",
		Long: `Writes ` + lockName + ` into each folder: the version and the SHA-256 of every playbook that one in it calls. From then on
a call means exactly that file; another one is refused until the folder is locked again. A folder whose playbooks call no
other needs no lock file, and one that is there is removed.`,
		Example: `  firebreak lock playbooks/`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, folder := range args {
				if err := a.lock(folder); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (a *app) lock(folder string) error {
	info, err := os.Stat(folder)
	if err != nil {
		return unread(err)
	}
	if !info.IsDir() {
		return wrongf("%q is no folder; a lock file stands beside the playbooks", folder)
	}
	sources, err := files(folder)
	if err != nil {
		return unread(err)
	}
	var list []compile.Locked
	for _, s := range sources {
		o := a.options(s)
		o.Resolved = func(l compile.Locked) { list = append(list, l) }
		if _, problems := compile.With(s.name, s.raw, o); len(problems) > 0 {
			for _, p := range problems {
				fmt.Fprintln(a.stderr, safe(p.Error()))
			}
			return said(exitWrong)
		}
	}
	return a.writeLock(filepath.Join(folder, lockName), sameLocked(list))
}

func (a *app) writeLock(name string, list []compile.Locked) error {
	if len(list) == 0 {
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			return err
		}
		_, err := fmt.Fprintf(a.stdout, "no playbook here calls another: %s is not needed\n", safe(name))
		return err
	}
	var text bytes.Buffer
	if err := printJSON(&text, compile.Lock{Playbooks: list}); err != nil {
		return err
	}
	if err := replaceFile(name, text.Bytes()); err != nil {
		return err
	}
	for _, l := range list {
		fmt.Fprintf(a.stdout, "%s %s  %s\n", safe(l.Name), safe(l.Version), l.SHA256[:12])
	}
	return nil
}
