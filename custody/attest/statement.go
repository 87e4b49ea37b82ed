package attest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Types of the Statement and of its predicate. docs/evidence.md describes the predicate.
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PredicateType = "https://github.com/firebreak-ir/firebreak/evidence/v1"
)

// Names of digests in subjects.
const (
	SHA256 = "sha256"
	// Linear is AWS's LINEAR checksum of an EBS snapshot: SHA-256 over the SHA-256s of its blocks in order.
	Linear = "ebsLinearSha256"
)

// Statement is an in-toto Statement v1 about a sealed case.
type Statement struct {
	Type          string    `json:"_type"`
	Subject       []Subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     Predicate `json:"predicate"`
}

// Subject is a file of the payload by its path, or a disk by the id of its snapshot.
type Subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// Predicate ties the files to the case, its custody log and its workflow's history.
type Predicate struct {
	Case         string    `json:"case"`
	Organization string    `json:"organization,omitempty"` // whose evidence it is
	Agent        string    `json:"agent,omitempty"`        // name and version of the program that sealed
	Sealed       time.Time `json:"sealed"`
	Manifest     string    `json:"manifest"` // SHA-256 of manifest-sha256.txt
	Log          Log       `json:"log"`
	Runs         []Run     `json:"runs,omitempty"`
	Disks        []Disk    `json:"disks,omitempty"`
}

// Log is the custody log up to the seal: how many entries, and the hash of the last one.
type Log struct {
	Entries int    `json:"entries"`
	Head    string `json:"head"`
}

// Run is a run of the case's workflow, and how long its history was when it was exported.
type Run struct {
	Workflow string `json:"workflow"`
	Run      string `json:"run"`
	Events   int    `json:"events"`
}

// Disk is a snapshot that was read into an image.
type Disk struct {
	Snapshot string `json:"snapshot"`
	Image    string `json:"image"` // paths in the case
	Index    string `json:"index"`
	Linear   string `json:"linear"`
	Blocks   int    `json:"blocks"`
}

// Write gives the Statement as JSON.
func (s Statement) Write() ([]byte, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("write the statement: %w", err)
	}
	return raw, nil
}

// ParseStatement reads a Statement about a case.
func ParseStatement(raw []byte) (Statement, error) {
	var s Statement
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(&s); err != nil {
		return Statement{}, fmt.Errorf("read the statement: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Statement{}, errors.New("read the statement: there is something after it")
	}
	if s.Type != StatementType || s.PredicateType != PredicateType {
		return Statement{}, fmt.Errorf("it is of the types %.80q and %.80q, not %q and %q", s.Type, s.PredicateType, StatementType, PredicateType)
	}
	return s, nil
}
