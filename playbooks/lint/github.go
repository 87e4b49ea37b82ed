// Package lint writes problems in the forms that services and editors read.
package lint

import (
	"fmt"
	"io"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// GitHub writes each problem as a command of GitHub's workflows, which shows it at its line in a pull request.
func GitHub(to io.Writer, problems []syntax.Problem) error {
	for _, p := range problems {
		if _, err := fmt.Fprintf(to, "::error file=%s,line=%d,col=%d,title=%s::%s\n",
			property(p.File), p.Line, p.Column, property("firebreak: "+p.Rule), message(p.Message)); err != nil {
			return err
		}
	}
	return nil
}

// message escapes what would end the command.
func message(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// property escapes what would also end the property.
func property(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(message(text))
}
