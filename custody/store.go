// Package custody keeps the evidence of a case in one directory, a BagIt bag: files written once and hashed while they
// stream, a hash-chained log of who added what, and a seal that other people's tools check. It knows the local file system
// alone.
package custody

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/custody/bagit"
)

// Names inside a case directory that belong to custody itself.
const (
	LogName       = "custody.jsonl"
	ManifestName  = bagit.ManifestName
	StatementName = "evidence.intoto.jsonl" // an in-toto Statement in a DSSE envelope
	TimestampName = "evidence.tsr"          // of StatementName (RFC 3161)
	CaseName      = "data/case.jsonld"      // the case in CASE/UCO, which the seal writes
	lockName      = ".custody.lock"
	scratchName   = ".scratch"
)

// tagFiles are the files of a seal beside the payload, without the manifest of themselves.
func tagFiles() []string {
	return []string{bagit.InfoName, bagit.DeclarationName, StatementName, TimestampName, ManifestName}
}

// ErrWritten is returned where a name already holds evidence of another call: evidence is written once.
var ErrWritten = errors.New("evidence of that name was already written by another call")

// Store is a directory of cases.
type Store struct {
	root string
	now  func() time.Time
}

// Open gives the store under root, which is made if it does not exist. now stamps the log's entries.
func Open(root string, now func() time.Time) (*Store, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("evidence store %q: %w", root, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, fmt.Errorf("evidence store: %w", err)
	}
	return &Store{root: abs, now: now}, nil
}

var caseID = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

// Root is the store's directory.
func (s *Store) Root() string { return s.root }

// Case gives the case of that id and makes its directory. An id that is not a plain name is refused, since part of it
// comes from outside.
func (s *Store) Case(id string) (*Case, error) {
	if !caseID.MatchString(id) {
		return nil, fmt.Errorf("case id %q is not a plain name of up to 63 letters, digits, dots and hyphens", id)
	}
	dir := filepath.Join(s.root, id)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("case %q: %w", id, err)
	}
	return &Case{id: id, dir: dir, now: s.now, disk: local{}}, nil
}

// Accepts tells whether a playbook's `to` names this store: it is empty, or the file:// address of the store's directory.
func (s *Store) Accepts(to string) error {
	here := "file://" + filepath.ToSlash(s.root)
	switch scheme, rest, found := strings.Cut(to, "://"); {
	case to == "":
		return nil
	case scheme == "s3" && found:
		return fmt.Errorf("evidence store %q: a store on S3 is not supported; this worker keeps evidence in %s", to, here)
	case scheme != "file" || !found || !strings.HasPrefix(rest, "/"):
		return fmt.Errorf("evidence store %q is not of the form file:///DIRECTORY; this worker keeps evidence in %s", to, here)
	case filepath.Clean(rest) != s.root:
		return fmt.Errorf("evidence store %q is not this worker's; it keeps evidence in %s", to, here)
	}
	return nil
}
