package main

import (
	"io"
	"log/slog"

	"github.com/spf13/cobra"
)

// logFlag is the --log flag: both forms escape what a stranger chose.
type logFlag struct{ output }

func (l *logFlag) flag(c *cobra.Command) {
	l.forms, l.form = []string{"text", "json"}, "text"
	c.Flags().Var(l, "log", "form of the log: text or json")
	_ = c.RegisterFlagCompletionFunc("log", cobra.FixedCompletions(l.forms, cobra.ShellCompDirectiveNoFileComp))
}

func (l *logFlag) logger(to io.Writer) *slog.Logger {
	if l.json() {
		return slog.New(slog.NewJSONHandler(to, nil))
	}
	return slog.New(slog.NewTextHandler(to, nil))
}
