package signing

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Extension is that of the file beside a playbook that holds its signatures.
const Extension = ".sig"

// MaxBytes is how long the text of the signatures of one playbook may be.
const MaxBytes = 64 << 10

// algorithm stands before each signature, so that another one can come beside it.
const algorithm = "ed25519"

// Content is what a signature covers: the playbook, and everything that it is compiled with.
type Content struct {
	Playbook []byte
	Lock     []byte            // its lock file; nil: it has none
	Files    map[string][]byte // the files that it names, such as the alerts of its schedules
}

// message is what is signed. Its first line keeps the key from having signed anything else by it.
func (c Content) message() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "firebreak playbook signature 1\nplaybook %x\n", sha256.Sum256(c.Playbook))
	if c.Lock != nil {
		fmt.Fprintf(&b, "lock %x\n", sha256.Sum256(c.Lock))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Files)) {
		fmt.Fprintf(&b, "file %q %x\n", name, sha256.Sum256(c.Files[name]))
	}
	return b.Bytes()
}

// Reasons why a playbook is not taken for signed.
var (
	// ErrUnsigned is returned where none of the signatures is by a known key.
	ErrUnsigned = errors.New("it is not signed with a key that is trusted here")
	// ErrAltered is returned where a known key has signed something else.
	ErrAltered = errors.New("it was altered after it was signed: it, its lock file or a file that it names")
)

// signature is one line of the file.
type signature struct {
	key string // its id
	raw []byte
}

// Sign adds a signature to those that there are; one by the same key is replaced.
func Sign(c Content, with Private, there []byte) ([]byte, error) {
	list, err := parse(there)
	if err != nil {
		return nil, err
	}
	id := with.Public().ID()
	list = slices.DeleteFunc(list, func(s signature) bool { return s.key == id })
	list = append(list, signature{id, ed25519.Sign(with.key, c.message())})
	var b bytes.Buffer
	for _, s := range list {
		fmt.Fprintf(&b, "%s %s %s\n", algorithm, s.key, base64.StdEncoding.EncodeToString(s.raw))
	}
	return b.Bytes(), nil
}

// Verify gives the id of a key of these that has signed the content. The error is ErrUnsigned, ErrAltered, or says what is
// wrong with the signatures.
func Verify(c Content, signatures []byte, keys []Key) (string, error) {
	list, err := parse(signatures)
	if err != nil {
		return "", err
	}
	message, known := c.message(), false
	for _, s := range list {
		for _, key := range keys {
			if key.ID() != s.key {
				continue
			}
			if ed25519.Verify(key.public, message, s.raw) {
				return s.key, nil
			}
			known = true
		}
	}
	if known {
		return "", ErrAltered
	}
	return "", ErrUnsigned
}

func parse(text []byte) ([]signature, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("the signatures have more than %d bytes", MaxBytes)
	}
	var list []signature
	lines := bufio.NewScanner(bytes.NewReader(text))
	for number := 1; lines.Scan(); number++ {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if len(words) != 3 || words[0] != algorithm {
			return nil, fmt.Errorf("line %d of the signatures is not of the form \"%s KEY SIGNATURE\"", number, algorithm)
		}
		raw, err := base64.StdEncoding.Strict().DecodeString(words[2])
		if err != nil || len(raw) != ed25519.SignatureSize {
			return nil, fmt.Errorf("line %d of the signatures holds no signature", number)
		}
		list = append(list, signature{words[1], raw})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the signatures: %w", err)
	}
	return list, nil
}
