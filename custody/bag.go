package custody

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/firebreak-ir/firebreak/custody/attest"
	"github.com/firebreak-ir/firebreak/custody/bagit"
	"github.com/firebreak-ir/firebreak/custody/caseuco"
)

// This file says what a seal writes, as functions of the custody log and what else goes in, so that who verifies can
// write it again and see which byte is another.

// hashed is a file of the bag with a given content.
func hashed(name string, content []byte) bagit.File {
	sum := sha256.Sum256(content)
	return bagit.File{Path: name, SHA256: hex.EncodeToString(sum[:])}
}

func sortFiles(files []bagit.File) []bagit.File {
	slices.SortFunc(files, func(a, b bagit.File) int { return strings.Compare(a.Path, b.Path) })
	return files
}

// payload lists the evidence below data/ and the case file; outside lists that of cases which a former version began.
func payload(items []Item, caseFile string) (inside, outside []bagit.File) {
	inside = []bagit.File{{Path: CaseName, SHA256: caseFile}}
	for _, item := range items {
		f := bagit.File{Path: item.Path, SHA256: item.SHA256}
		if strings.HasPrefix(item.Path, bagit.Payload) {
			inside = append(inside, f)
		} else {
			outside = append(outside, f)
		}
	}
	return sortFiles(inside), outside
}

// infoOf is the bag's description.
func infoOf(id string, items []Item, caseSize int64, at time.Time) bagit.Info {
	info := bagit.Info{Case: id, Bagged: at, Files: 1, Bytes: caseSize}
	for _, item := range items {
		if strings.HasPrefix(item.Path, bagit.Payload) {
			info.Files++
			info.Bytes += item.Size
		}
	}
	return info
}

// statementOf says what the case holds: every file of evidence, and every disk by the digest that the API stands for.
func statementOf(id, organization, agent string, log []Entry, at time.Time, manifest string, files []bagit.File, disks []attest.Disk) attest.Statement {
	s := attest.Statement{Type: attest.StatementType, PredicateType: attest.PredicateType, Subject: []attest.Subject{}}
	for _, f := range files {
		s.Subject = append(s.Subject, attest.Subject{Name: f.Path, Digest: map[string]string{attest.SHA256: f.SHA256}})
	}
	for _, d := range disks {
		s.Subject = append(s.Subject, attest.Subject{Name: d.Snapshot, Digest: map[string]string{attest.Linear: d.Linear}})
	}
	s.Predicate = attest.Predicate{
		Case: id, Organization: organization, Agent: agent, Sealed: at, Manifest: manifest, Log: attest.Log{Entries: len(log)}, Disks: disks, Runs: runsIn(log),
	}
	if n := len(log); n > 0 {
		s.Predicate.Log.Head = log[n-1].Hash
	}
	return s
}

func runsIn(log []Entry) []Run {
	var runs []Run
	for _, e := range log {
		if e.Run != (Run{}) && !slices.Contains(runs, e.Run) {
			runs = append(runs, e.Run)
		}
	}
	return runs
}

// indexesIn lists the indexes of blocks among the evidence, in the order of their names.
func indexesIn(items []Item) []string {
	var out []string
	for _, item := range items {
		if strings.HasSuffix(item.Path, "/"+indexName) {
			out = append(out, item.Path)
		}
	}
	return out
}

// caseOf is the case in CASE/UCO, of the log and of what is known of its steps.
func caseOf(id string, log []Entry, agent, organization string, actions []caseuco.Action) ([]byte, error) {
	doc := caseuco.Case{ID: id, Agent: agent, Organization: organization, Actions: actions}
	for _, e := range log {
		if e.Action == Added {
			doc.Files = append(doc.Files, caseuco.File{
				Path: e.Item.Path, Kind: e.Item.Kind, SHA256: e.Item.SHA256, Size: e.Item.Size, Step: e.By.Step, Logged: e.Time,
			})
		}
	}
	return doc.Write()
}
