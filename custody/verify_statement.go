package custody

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/custody/attest"
	"github.com/firebreak-ir/firebreak/custody/bagit"
	"github.com/firebreak-ir/firebreak/custody/rfc3161"
)

// statement checks the envelope, what it says, and who signed it.
func (b *sealedBag) statement() {
	raw := b.files[StatementName]
	if raw == nil {
		return
	}
	if !b.is(StatementName) {
		b.alteredStatement(raw)
	}
	envelope, err := attest.ParseEnvelope(raw)
	if err != nil {
		b.v.file(StatementName, "%s", err)
		return
	}
	b.signatures(envelope)
	s, err := attest.ParseStatement(envelope.Payload)
	if err != nil {
		b.v.file(StatementName, "%s", err)
		return
	}
	b.says(s)
}

// alteredStatement finds the first byte that is another: all but the signatures can be written again.
func (b *sealedBag) alteredStatement(raw []byte) {
	p := Problem{File: StatementName, Offset: -1, Text: fmt.Sprintf("is not what it was when it was sealed: its SHA-256 is %s, %s says %s",
		hashed("", raw).SHA256, bagit.TagManifestName, b.tags[StatementName])}
	if again, err := b.statementAgain(); err == nil {
		signatures := int64(bytes.LastIndexByte(again, '[') + 1)
		switch at := differ(raw, again[:signatures]); {
		case at < signatures:
			p.Offset, p.Line = at, 1
		case at < int64(len(raw)):
			p.Offset, p.Line, p.Length = at, 1, int64(len(raw))-at
			p.Text += "; it is in the signatures, or something was added to them"
		}
	}
	b.v.wrong(p)
}

// statementAgain writes the statement from the log and the evidence, in an envelope that nobody signs.
func (b *sealedBag) statementAgain() ([]byte, error) {
	inside, outside := payload(added(b.v.before()), hashed("", b.files[CaseName]).SHA256)
	raw, err := statementOf(b.v.report.Case, b.organization, b.agent, b.v.before(), b.v.report.Sealed, b.v.entries[b.v.sealed].Text, append(inside, outside...), b.disks()).Write()
	if err != nil {
		return nil, err
	}
	return attest.Seal(raw, nil).Line()
}

// disks gives the digests of the disks anew, from the indexes of their blocks.
func (b *sealedBag) disks() []attest.Disk {
	var disks []attest.Disk
	for _, name := range indexesIn(added(b.v.before())) {
		f, _, err := b.v.folder.open(name)
		if err != nil {
			continue // reported with the evidence
		}
		if d, err := diskOf(name, f); err == nil {
			disks = append(disks, d)
		}
		_ = f.Close() // it was only read
	}
	return disks
}

func (b *sealedBag) signatures(e attest.Envelope) {
	var ids []string
	for _, s := range e.Signatures {
		ids = append(ids, s.KeyID)
	}
	switch {
	case len(ids) == 0 && len(b.v.Keys) > 0:
		b.v.file(StatementName, "nobody has signed it")
	case len(ids) == 0:
		b.v.notice("the statement is not signed: who can write to the directory could have made all of it")
	case len(b.v.Keys) == 0:
		b.v.notice("the statement is signed with key %q, and the signature was not checked: give the public key with --key", strings.Join(ids, ", "))
	default:
		b.v.report.SignedBy = append(b.v.report.SignedBy, e.SignedBy(b.v.Keys)...)
		if len(b.v.report.SignedBy) == 0 {
			b.v.file(StatementName, "none of the keys given has signed it; it names key %q", strings.Join(ids, ", "))
		}
	}
}

// says holds the statement against the log, the manifest and the indexes of the disks.
func (b *sealedBag) says(s attest.Statement) {
	p := s.Predicate
	if p.Organization != b.organization || p.Agent != b.agent {
		b.v.file(StatementName, "names another organization or program than %s", bagit.InfoName)
	}
	if p.Case != b.v.report.Case {
		b.v.file(StatementName, "is about the case %q, and the custody log is of %q", p.Case, b.v.report.Case)
	}
	if p.Manifest != b.v.entries[b.v.sealed].Text {
		b.v.file(StatementName, "is about a manifest with the SHA-256 %s, and %s was sealed", p.Manifest, b.v.entries[b.v.sealed].Text)
	}
	if n := p.Log.Entries; n < 0 || n > b.v.sealed || n > 0 && b.v.entries[n-1].Hash != p.Log.Head {
		b.v.file(StatementName, "is about a custody log whose entry %d has the hash %q, and this one has not", n, p.Log.Head)
	}
	if !slices.Equal(p.Runs, runsIn(b.v.before())) {
		b.v.file(StatementName, "names other runs of the workflow than the custody log")
	}
	b.subjects(s)
}

// subjects must be the files of the manifests and the disks, and nothing else.
func (b *sealedBag) subjects(s attest.Statement) {
	want := map[string]string{}
	_, outside := payload(added(b.v.before()), "")
	for _, f := range append(slices.Clone(b.payload), outside...) {
		want[attest.SHA256+" "+f.Path] = f.SHA256
	}
	for _, d := range b.disks() {
		want[attest.Linear+" "+d.Snapshot] = d.Linear
	}
	for _, subject := range s.Subject {
		for kind, sum := range subject.Digest {
			key := kind + " " + subject.Name
			if want[key] != sum {
				b.v.file(StatementName, "says that %q has the %s %s, and it has %q", subject.Name, kind, sum, want[key])
			}
			delete(want, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		b.v.file(StatementName, "says nothing of %q", key)
	}
}

// timestamp checks the TSA's response, where there is one.
func (b *sealedBag) timestamp() {
	raw := b.files[TimestampName]
	if raw == nil {
		switch _, named := b.tags[TimestampName]; {
		case b.v.Roots != nil && !named:
			b.v.file(TimestampName, "there is no timestamp")
		case !named:
			b.v.notice("the seal has no timestamp: when it was made, nobody vouches for")
		}
		return
	}
	if !b.is(TimestampName) {
		b.v.file(TimestampName, "is not what it was when it was sealed: its SHA-256 is %s, %s says %s", hashed("", raw).SHA256, bagit.TagManifestName, b.tags[TimestampName])
	}
	r, err := rfc3161.Parse(raw)
	if err == nil {
		err = r.Verify(sha256.Sum256(b.files[StatementName]), b.v.Roots)
	}
	switch {
	case err != nil:
		b.v.file(TimestampName, "%s", err)
	case b.v.Roots == nil:
		b.v.notice("the timestamp says %s, and who made it was not checked: give the TSA's root with --tsa-ca", r.Time.Format("2006-01-02 15:04:05 UTC"))
	default:
		b.v.report.Stamped = r.Time
	}
}
