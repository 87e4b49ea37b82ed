package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firebreak-ir/firebreak/playbooks/signing"
)

func keygenCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "keygen NAME",
		Short:   "Make a key for signing playbooks, decisions and evidence",
		GroupID: "playbooks",
		Long: `Writes NAME.key, the private key (PKCS #8), which only its owner can read, and NAME.pub, the public one, which is named in
firebreak.yaml: under people as the key of somebody who decides, as receiver.signingKey, as seal.signingKey, or under
signing.keys. It prints how.
Files that are there are never overwritten.`,
		Example: `  firebreak keygen sec-ir`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.keygen(args[0]) },
	}
}

func (a *app) keygen(name string) error {
	key, err := signing.Generate(rand.Reader)
	if err != nil {
		return err
	}
	private, err := key.PEM()
	if err != nil {
		return err
	}
	public, err := key.Public().PEM()
	if err != nil {
		return err
	}
	if err := writeNew(name+".key", private, 0o600); err != nil {
		return err
	}
	if err := writeNew(name+".pub", public, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "key %s: keep %s secret, and name %s in firebreak.yaml under signing.keys\nor, for decisions, so:\n%s",
		key.Public().ID(), safe(name+".key"), safe(name+".pub"), snippet(filepath.Base(name), string(public)))
	return err
}

// snippet is how the configuration names a person with that key.
func snippet(name, public string) string {
	lines := strings.ReplaceAll(strings.TrimSpace(public), "\n", "\n      ")
	return fmt.Sprintf("people:\n  - subject: %s\n    groups: []\n    key: |\n      %s\n", inJSON(name), lines)
}

// inJSON writes a text as JSON, which YAML reads as it is.
func inJSON(text string) string {
	raw, err := json.Marshal(text)
	if err != nil { // a text always has a form in JSON
		return `""`
	}
	return string(raw)
}

// writeNew writes a file that must not be there.
func writeNew(name string, text []byte, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, os.ErrExist) {
		return wrongf("%q is there already, and a key is never overwritten", name)
	}
	if err != nil {
		return unread(err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
