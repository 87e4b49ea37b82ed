package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// output is the --output flag of a command.
type output struct {
	form  string
	forms []string
}

// flag adds --output with these forms, the first one being the default.
func (o *output) flag(c *cobra.Command, forms ...string) {
	o.forms, o.form = forms, forms[0]
	c.Flags().VarP(o, "output", "o", strings.Join(forms, " or "))
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(forms, cobra.ShellCompDirectiveNoFileComp))
}

// String gives the form.
func (o *output) String() string { return o.form }

// Set takes one of the forms.
func (o *output) Set(text string) error {
	if !slices.Contains(o.forms, text) {
		return fmt.Errorf("want %s", strings.Join(o.forms, " or "))
	}
	o.form = text
	return nil
}

// Type is what the help shows.
func (o *output) Type() string { return "form" }

func (o *output) json() bool { return o.form == "json" }

func printJSON(to io.Writer, value any) error {
	e := json.NewEncoder(to)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(value)
}
