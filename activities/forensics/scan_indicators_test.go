package forensics_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/forensics"
)

// TestScanIndicators finds files by each kind of indicator, and gives the same a second time.
func TestScanIndicators(t *testing.T) {
	deps := forensics.Deps{Store: withImage(t, intruded(t))}
	sum := sha256.Sum256([]byte("newline"))
	in := forensics.ScanIndicatorsInput{
		Image: imageName, Hashes: []string{hex.EncodeToString(sum[:])}, Paths: []string{"/tmp/link"},
		YARA: `rule cron { strings: $a = "root /tmp/" condition: $a }`,
	}
	out, err := run[forensics.ScanIndicatorsOutput](t, forensics.ScanIndicators(deps), call("scan"), in)
	if err != nil || out.Found != 3 || out.Files != 3 || len(out.Items) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	for i, want := range []string{"rule cron /etc/cron.d/refresh", "hash " + hex.EncodeToString(sum[:]) + " /tmp/a; b", "path /tmp/link /tmp/link"} {
		h := out.Hits[i]
		if got := strings.Join([]string{h.Kind, h.Indicator, h.Path}, " "); got != want {
			t.Errorf("hit %q, want %q", got, want)
		}
	}
	if again, err := run[forensics.ScanIndicatorsOutput](t, forensics.ScanIndicators(deps), call("scan"), in); err != nil || again.Items[0] != out.Items[0] || again.Summary != out.Summary {
		t.Errorf("a second run differs: %+v, %v", again, err)
	}
}

// TestScanIndicatorsBelow searches one directory alone.
func TestScanIndicatorsBelow(t *testing.T) {
	deps := forensics.Deps{Store: withImage(t, intruded(t))}
	out, err := run[forensics.ScanIndicatorsOutput](t, forensics.ScanIndicators(deps), call("scan"),
		forensics.ScanIndicatorsInput{Image: imageName, Paths: []string{"/**/refresh", "link"}, Below: "/etc/"})
	if err != nil || out.Found != 1 || out.Hits[0].Path != "/etc/cron.d/refresh" || out.Files != 1 {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestScanIndicatorsRefuses says which indicator cannot be looked for, before anything is read.
func TestScanIndicatorsRefuses(t *testing.T) {
	for want, in := range map[string]forensics.ScanIndicatorsInput{
		"nothing to look for": {Image: imageName},
		"hashes:2":            {Image: imageName, Hashes: []string{"d41d8cd98f00b204e9800998ecf8427e", "xyz"}},
		"yara:1":              {Image: imageName, YARA: `import "pe"`},
		"no directory":        {Image: imageName, Paths: []string{"x"}, Below: "/../etc"},
	} {
		_, err := run[forensics.ScanIndicatorsOutput](t, forensics.ScanIndicators(forensics.Deps{}), call("scan"), in)
		if kindOf(err) != activities.InvalidInput || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
