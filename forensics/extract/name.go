package extract

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// maxName leaves room below the 255 bytes that file systems allow.
const maxName = 200

// Path makes every part of a path harmless with Name.
func Path(p string) string {
	parts := strings.Split(p, "/")
	for i, part := range parts {
		parts[i] = Name(part)
	}
	return strings.Join(parts, "/")
}

// Name makes one name harmless: every byte that is not a letter, a digit or one of a few signs becomes %XX, a name of
// dots alone is escaped whole, and one that is too long ends in its hash. Different names stay different.
func Name(name string) string {
	if strings.Trim(name, ".") == "" {
		return strings.ReplaceAll(name, ".", "%2E") + emptyMark(name)
	}
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	out := b.String()
	if len(out) <= maxName {
		return out
	}
	return fmt.Sprintf("%s~%x", out[:maxName-34], sha256.Sum256([]byte(name)))[:maxName]
}

func emptyMark(name string) string {
	if name == "" {
		return "%00"
	}
	return ""
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-+=@,:", c) >= 0
}
