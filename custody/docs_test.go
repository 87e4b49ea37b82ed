package custody

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/internal/labenv"
)

// TestTheAuditorsCommandsRun runs what docs/evidence.md tells an auditor who has no Firebreak, on a sealed case and on
// altered ones.
func TestTheAuditorsCommandsRun(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "jq", "openssl"} {
		labenv.NeedTool(t, program, "apt-get install "+program)
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "evidence.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```bash\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("the page has no commands")
	}
	c, _, tsa := sealedFully(t)
	if out, err := audit(t, c, tsa.CA, string(block[1])); err != nil || !strings.Contains(out, "Signature Verified Successfully") ||
		!strings.Contains(out, "Verification: OK") || !strings.Contains(out, "Time stamp: ") {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"data/logs/shop/web.log", LogName, StatementName, TimestampName, "bagit.txt"} {
		other := copyCase(t, c)
		raw := read(t, other, name)
		raw[len(raw)/2] ^= 1
		write(t, other, name, string(raw))
		if out, err := audit(t, other, tsa.CA, string(block[1])); err == nil {
			t.Errorf("%s was altered, and the auditor sees\n%s", name, out)
		}
	}
}

func audit(t *testing.T, c *Case, ca, commands string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	der, err := x509.MarshalPKIXPublicKey(publicKey(t))
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"evidence.pub": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "tsa-root.pem": root} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(c.dir, filepath.Join(dir, "CASE")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", strings.ReplaceAll(commands, "../", dir+"/"))
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}
