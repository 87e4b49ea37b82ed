package custody

import (
	"errors"
	"fmt"
	"slices"

	"github.com/firebreak-ir/firebreak/custody/attest"
	"github.com/firebreak-ir/firebreak/custody/bagit"
)

// tagManifest holds the tag manifest against the log, and takes over what it says.
func (b *sealedBag) tagManifest(seal Item) {
	raw := b.files[bagit.TagManifestName]
	if raw == nil {
		return
	}
	if hashed("", raw).SHA256 != seal.SHA256 {
		var again []bagit.File
		for _, name := range tagFiles() {
			if content := b.files[name]; content != nil {
				again = append(again, hashed(name, content))
			}
		}
		_, outside := payload(added(b.v.before()), "")
		b.v.rewritten(bagit.TagManifestName, raw, bagit.Write(sortFiles(append(again, outside...))), seal.SHA256, "is not the one that was sealed")
	}
	files, err := bagit.Parse(raw)
	b.malformed(bagit.TagManifestName, err)
	for _, f := range files {
		b.tags[f.Path] = f.SHA256
		if !slices.Contains(tagFiles(), f.Path) {
			b.v.want(f.Path, bagit.TagManifestName, f.SHA256, -1)
		}
	}
	b.missing()
}

// missing: a bag without a timestamp or a tag file that its manifest names is not whole.
func (b *sealedBag) missing() {
	for _, name := range tagFiles() {
		_, named := b.tags[name]
		switch {
		case named && b.files[name] == nil && name == TimestampName:
			b.v.file(name, "is missing")
		case !named && b.files[name] != nil:
			b.v.file(name, "is not in %s", bagit.TagManifestName)
		}
	}
}

func (b *sealedBag) malformed(name string, err error) {
	var line *bagit.LineError
	if errors.As(err, &line) {
		b.v.wrong(Problem{File: name, Line: line.Line, Offset: line.Offset, Text: line.Why})
	}
}

// is tells whether a tag file has the hash that the tag manifest says; true also where it says nothing, which was reported.
func (b *sealedBag) is(name string) bool {
	want, named := b.tags[name]
	raw, there := b.files[name]
	return !named || !there || hashed("", raw).SHA256 == want
}

func (b *sealedBag) declaration() {
	if !b.is(bagit.DeclarationName) {
		b.v.rewritten(bagit.DeclarationName, b.files[bagit.DeclarationName], bagit.Declaration(), b.tags[bagit.DeclarationName], "is not what it was when it was sealed")
	}
}

// info checks the bag's description. Whose it is and who made it, the log does not know: where the file was altered, that is
// taken from the statement.
func (b *sealedBag) info() {
	raw := b.files[bagit.InfoName]
	b.organization, b.agent = bagit.ReadInfo(raw)
	if b.is(bagit.InfoName) {
		return
	}
	if e, err := attest.ParseEnvelope(b.files[StatementName]); err == nil {
		if s, err := attest.ParseStatement(e.Payload); err == nil {
			b.organization, b.agent = s.Predicate.Organization, s.Predicate.Agent
		}
	}
	info := infoOf(b.v.report.Case, added(b.v.before()), int64(len(b.files[CaseName])), b.v.report.Sealed)
	info.Organization, info.Agent = b.organization, b.agent
	b.v.rewritten(bagit.InfoName, raw, info.Write(), b.tags[bagit.InfoName], fmt.Sprintf("is not what it was when it was sealed: its SHA-256 is %s, %s says %s",
		hashed("", raw).SHA256, bagit.TagManifestName, b.tags[bagit.InfoName]))
}
