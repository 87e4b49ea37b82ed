package custody

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/custody/attest"
	"github.com/firebreak-ir/firebreak/custody/bagit"
	"github.com/firebreak-ir/firebreak/custody/caseuco"
)

// Seal is what sealing gives: the manifest, and the head of the log's chain to be kept elsewhere too.
type Seal struct {
	Manifest string `json:"manifest" doc:"Path of the manifest inside the case directory"`
	SHA256   string `json:"sha256" doc:"SHA-256 of the manifest"`
	Files    int    `json:"files" doc:"Files of evidence"`
	Bytes    int64  `json:"bytes" doc:"Bytes of those files"`
	Head     string `json:"head" doc:"Hash of the custody log's last entry"`

	SignedBy  string    `json:"signedBy,omitempty" doc:"Id of the key that signed the statement; empty: nobody did"`
	Stamped   time.Time `json:"stamped,omitzero" doc:"Time that the TSA vouches for; absent: none did"`
	Statement string    `json:"statement,omitempty" doc:"SHA-256 of the statement's file"`
	Warnings  []string  `json:"warnings,omitempty" doc:"What the seal lacks, and why"`
}

// Stamper gives a TSA's response to a SHA-256 (RFC 3161, DER), verified. It ends in bounded time.
type Stamper interface {
	Stamp(ctx context.Context, digest [sha256.Size]byte) (response []byte, err error)
}

// Sealing is what a seal carries besides its manifests. With its zero value nobody signs and nobody vouches for the time.
type Sealing struct {
	Organization string             // whose evidence it is; empty: not said
	Agent        string             // name and version of the program that seals
	Key          ed25519.PrivateKey // nil: the statement is not signed
	Stamper      Stamper            // nil: there is no timestamp
	MustStamp    bool               // whether a TSA that does not answer fails the seal; otherwise it is a warning
	Actions      []caseuco.Action   // what is known of the case's steps
}

// Seal makes the case a bag (RFC 8493) with a signed statement of what it holds, and enters it in the log. What killed
// calls left whole becomes evidence first. The log is in no manifest: it goes on after the seal and its chain protects it.
// A seal that stands and lacks nothing is not made again.
func (c *Case) Seal(ctx context.Context, by By, with Sealing) (Seal, error) {
	unlock, err := c.lock()
	if err != nil {
		return Seal{}, err
	}
	defer unlock()
	left, err := c.leftAll("")
	if err := errors.Join(err, c.finishAll(ctx, left)); err != nil {
		return Seal{}, err
	}
	with.Organization, with.Agent = bagit.OneLine(with.Organization), bagit.OneLine(with.Agent)
	s := &sealing{c: c, by: by, Sealing: with, at: c.now().UTC()}
	if err := s.collect(); err != nil {
		return Seal{}, err
	}
	standing := s.intact()
	if standing && (with.Stamper == nil || s.files[TimestampName] != nil) {
		return s.finished(), nil
	}
	return s.renew(ctx, standing)
}

// sealing is a seal in the making.
type sealing struct {
	c  *Case
	by By
	Sealing

	at       time.Time
	entries  []Entry
	items    []Item // in the order of their names
	seal     Seal
	files    map[string][]byte // what is written, but the manifest of the tag files
	outside  []bagit.File      // evidence of former versions that is no payload
	subjects []bagit.File
	disks    []attest.Disk
}

// collect reads the log and makes all that follows from it.
func (s *sealing) collect() error {
	var err error
	if s.entries, err = s.c.Log(); err != nil {
		return err
	}
	s.items = added(s.entries)
	file, err := caseOf(s.c.id, s.entries, s.Agent, s.Organization, s.Actions)
	if err != nil {
		return err
	}
	inside, outside := payload(s.items, hashed("", file).SHA256)
	manifest := bagit.Write(inside)
	s.outside, s.subjects = outside, append(slices.Clone(inside), outside...)
	info := infoOf(s.c.id, s.items, int64(len(file)), s.at)
	info.Agent, info.Organization = s.Agent, s.Organization
	s.files = map[string][]byte{
		CaseName: file, ManifestName: manifest, bagit.DeclarationName: bagit.Declaration(), bagit.InfoName: info.Write(),
	}
	s.seal = Seal{Manifest: ManifestName, SHA256: hashed("", manifest).SHA256, Files: len(s.items)}
	for _, item := range s.items {
		s.seal.Bytes += item.Size
	}
	s.readDisks()
	return nil
}

// readDisks gives the disks their digests. An index that does not read is evidence all the same.
func (s *sealing) readDisks() {
	for _, index := range indexesIn(s.items) {
		f, err := os.Open(filepath.Join(s.c.dir, filepath.FromSlash(index)))
		if err == nil {
			var d attest.Disk
			d, err = diskOf(index, f)
			_ = f.Close() // it was only read
			s.disks = append(s.disks, d)
		}
		if err != nil {
			s.disks = s.disks[:max(len(s.disks)-1, 0)]
			s.warn("the disk of %q has no digest in the statement: %s", index, err)
		}
	}
}

func (s *sealing) warn(format string, args ...any) {
	s.seal.Warnings = append(s.seal.Warnings, fmt.Sprintf(format, args...))
}

// renew seals anew. Where a seal stands that lacks nothing but a timestamp, it stays unless there is one now.
func (s *sealing) renew(ctx context.Context, standing bool) (Seal, error) {
	if err := s.state(); err != nil {
		return Seal{}, err
	}
	err := s.stamp(ctx)
	switch {
	case err == nil:
		return s.write()
	case ctx.Err() != nil || s.MustStamp:
		return Seal{}, fmt.Errorf("timestamp of the seal: %w", errors.Join(ctx.Err(), err))
	}
	s.warn("the seal has no timestamp: %s", err)
	if standing && s.intact() {
		return s.finished(), nil
	}
	if err := s.unstamped(err); err != nil {
		return Seal{}, err
	}
	return s.write()
}

func (s *sealing) stamp(ctx context.Context) error {
	if s.Stamper == nil {
		return nil
	}
	response, err := s.Stamper.Stamp(ctx, sha256.Sum256(s.files[StatementName]))
	if err == nil {
		s.files[TimestampName] = response
	}
	return err
}

// unstamped enters in the log that no TSA answered, and so in what is sealed.
func (s *sealing) unstamped(why error) error {
	text := strings.ToValidUTF8("the seal has no timestamp: "+why.Error(), "\ufffd")
	if !noted(s.entries, s.by, text) {
		if err := s.c.append(Entry{By: s.by, Action: Noted, Text: text}); err != nil {
			return err
		}
		var err error
		if s.entries, err = s.c.Log(); err != nil {
			return err
		}
	}
	return s.state()
}

// state makes the statement about the log as it is.
func (s *sealing) state() error {
	raw, err := statementOf(s.c.id, s.Organization, s.Agent, s.entries, s.at, s.seal.SHA256, s.subjects, s.disks).Write()
	if err != nil {
		return err
	}
	envelope := attest.Seal(raw, s.Key)
	s.seal.SignedBy = ""
	for _, signature := range envelope.Signatures {
		s.seal.SignedBy = signature.KeyID
	}
	line, err := envelope.Line()
	s.files[StatementName], s.seal.Statement = line, hashed("", line).SHA256
	return err
}

func added(entries []Entry) []Item {
	var items []Item
	for _, e := range entries {
		if e.Action == Added {
			items = append(items, e.Item)
		}
	}
	slices.SortFunc(items, func(a, b Item) int { return strings.Compare(a.Path, b.Path) })
	return items
}
