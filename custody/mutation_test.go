package custody

import (
	"bytes"
	"crypto/ed25519"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
)

// exact are the files of which the first wrong byte is always known.
func exact(name string) bool {
	return slices.Contains([]string{"bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"}, name)
}

// TestEveryByteOfASealedCaseCounts alters bytes all over each file, one at a time: the case must not verify, the file must be named,
// and so must the byte where it can be known.
func TestEveryByteOfASealedCaseCounts(t *testing.T) {
	t.Parallel()
	c, roots, _ := sealedFully(t)
	options := Options{Keys: []ed25519.PublicKey{publicKey(t)}, Roots: roots}
	if r := verified(t, c, options); r.Err() != nil || len(r.Notices) > 0 || len(r.SignedBy) != 1 || r.Stamped.IsZero() {
		t.Fatalf("%+v", r)
	}
	located, all := 0, 0
	err := fs.WalkDir(os.DirFS(c.dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == lockName {
			return err
		}
		whole, err := os.ReadFile(placeOf(c, name))
		if err != nil {
			return err
		}
		step := max(len(whole)/40, 1)
		for i := 0; i < len(whole); i += step {
			altered := bytes.Clone(whole)
			altered[i] ^= 1
			if err := os.WriteFile(placeOf(c, name), altered, 0o600); err != nil {
				return err
			}
			all++
			if wantNamed(t, verified(t, c, options), name, int64(i)) {
				located++
			}
		}
		return os.WriteFile(placeOf(c, name), whole, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := verified(t, c, options); r.Err() != nil {
		t.Fatalf("put back: %v", r.Err())
	}
	t.Logf("of %d altered bytes %d were named to the byte, or to a range that holds it", all, located)
}

// wantNamed holds a report against the byte that was altered, and tells whether it names its place.
func wantNamed(t *testing.T, r Report, name string, at int64) bool {
	t.Helper()
	var of []Problem
	for _, p := range r.Problems {
		if p.File == name {
			of = append(of, p)
		}
	}
	if len(of) == 0 {
		t.Errorf("%s, byte %d: the file is not named among %v", name, at, r.Problems)
		return false
	}
	holds := func(p Problem) bool { return p.Offset >= 0 && p.Offset <= at && at < p.Offset+max(p.Length, 1) }
	located := slices.ContainsFunc(of, holds)
	switch {
	case exact(name) && !slices.ContainsFunc(of, func(p Problem) bool { return p.Offset == at }):
		t.Errorf("%s, byte %d: not named among %v", name, at, of)
	case (name == LogName || name == StatementName || strings.HasSuffix(name, imageName)) && !located:
		t.Errorf("%s, byte %d: its place is not named among %v", name, at, of)
	}
	return located
}
