package custody_test

import (
	"strings"
	"testing"
	"time"

	"github.com/firebreak-ir/firebreak/custody"
)

func TestAStoreAcceptsItsOwnAddress(t *testing.T) {
	dir := t.TempDir()
	s, err := custody.Open(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]string{
		"": "", "file://" + dir: "", "file://" + dir + "/": "", "file://" + dir + "/./": "",
		"s3://bucket/cases":        "S3 is not supported",
		"file://" + dir + "/other": "is not this worker's",
		"file:///":                 "is not this worker's",
		dir:                        "file:///DIRECTORY",
		"file://relative":          "file:///DIRECTORY",
		"evidence":                 "file:///DIRECTORY",
	} {
		err := s.Accepts(to)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "file://"+dir)) {
			t.Errorf("%q: %v, want %q", to, err, want)
		}
	}
}
