package cacao

import (
	"crypto/sha1" //nolint:gosec // RFC 9562 makes a UUID of version 5 of it
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// namespace is CACAO's own, for the ids of playbooks that follow from their name and types.
const namespace = "aa7caf3a-d55a-4e9a-b34e-056215fba56a"

// ours is Firebreak's namespace, for all that CACAO gives no rule for.
const ours = "5f1b1d6a-9f5e-4b52-8c4c-0d2a7e1f3b90"

// playbookID gives the same id to all versions of a playbook, by CACAO's rule.
func playbookID(name string, types []string) string {
	from := struct { // in the order of RFC 8785
		Name  string   `json:"name"`
		Types []string `json:"playbook_types,omitempty"`
	}{name, types}
	raw, err := json.Marshal(from)
	if err != nil { // texts alone: cannot be
		raw = []byte(name)
	}
	return "playbook--" + uuid5(namespace, string(raw))
}

// identityID is a STIX identity for a name that people know.
func identityID(name string) string { return "identity--" + uuid5(ours, "identity "+name) }

// extensionID is the id of an extension of Firebreak.
func extensionID(name string) string {
	return "extension-definition--" + uuid5(ours, "extension "+name)
}

// uuid5 makes a UUID of version 5.
func uuid5(namespace, name string) string {
	space, err := hex.DecodeString(strings.ReplaceAll(namespace, "-", ""))
	if err != nil { // a constant: cannot be
		space = nil
	}
	sum := sha1.Sum(append(space, name...)) //nolint:gosec // as above
	return uuid(sum[:16], 5)
}

// uuid4 gives the ids of what stands inside a playbook. CACAO wants version 4 there, random numbers; these are as good as
// random between playbooks, and the same each time for one.
func uuid4(playbook, name string) string {
	sum := sha256.Sum256([]byte(playbook + "\x00" + name))
	return uuid(sum[:16], 4)
}

func uuid(b []byte, version byte) string {
	b[6] = b[6]&0x0f | version<<4
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
