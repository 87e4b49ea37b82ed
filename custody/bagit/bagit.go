// Package bagit writes and reads the tag files of a BagIt 1.0 bag (RFC 8493). It opens no file.
package bagit

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// Names of a bag's tag files and of its payload's folder (RFC 8493, sections 2.1 and 2.2).
const (
	DeclarationName = "bagit.txt"
	InfoName        = "bag-info.txt"
	ManifestName    = "manifest-sha256.txt"
	TagManifestName = "tagmanifest-sha256.txt"
	Payload         = "data/"
)

// Declaration is what bagit.txt of every bag says.
func Declaration() []byte {
	return []byte("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
}

// Info is what bag-info.txt says of a bag. What is not known is left out.
type Info struct {
	Organization string    // Source-Organization
	Case         string    // External-Identifier
	Bagged       time.Time // Bagging-Date, in UTC
	Agent        string    // Bag-Software-Agent
	Bytes        int64     // of all payload files; with Files it makes Payload-Oxum
	Files        int
}

// Write gives the text of bag-info.txt.
func (i Info) Write() []byte {
	var b bytes.Buffer
	for _, line := range [][2]string{
		{"Source-Organization", i.Organization},
		{"External-Identifier", i.Case},
		{"Bagging-Date", i.Bagged.UTC().Format(time.DateOnly)},
		{"Bag-Software-Agent", i.Agent},
		{"Payload-Oxum", fmt.Sprintf("%d.%d", i.Bytes, i.Files)},
	} {
		if value := OneLine(line[1]); value != "" {
			fmt.Fprintf(&b, "%s: %s\n", line[0], value)
		}
	}
	return b.Bytes()
}

// ReadInfo gives whose bag it is and who made it, of a text that Write gave; empty where it does not say.
func ReadInfo(text []byte) (organization, agent string) {
	for line := range strings.Lines(string(text)) {
		switch label, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); label {
		case "Source-Organization":
			organization = value
		case "Bag-Software-Agent":
			agent = value
		}
	}
	return organization, agent
}

// OneLine keeps a value from beginning another line, which would be another label.
func OneLine(value string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(value, "\ufffd")), " ")
}
