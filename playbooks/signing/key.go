// Package signing signs playbooks with ed25519 keys and tells whether one is signed. It reads no file.
package signing

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
)

// Types of the PEM blocks: PKCS #8 and SubjectPublicKeyInfo, as other tools write them.
const (
	privateBlock = "PRIVATE KEY"
	publicBlock  = "PUBLIC KEY"
)

// Key is a public key that playbooks may be signed with.
type Key struct{ public ed25519.PublicKey }

// Private is a key that signs.
type Private struct{ key ed25519.PrivateKey }

// Generate makes a new key from a source of random bytes.
func Generate(random io.Reader) (Private, error) {
	_, key, err := ed25519.GenerateKey(random)
	if err != nil {
		return Private{}, fmt.Errorf("make a key: %w", err)
	}
	return Private{key}, nil
}

// Public gives the key that tells whether this one has signed.
func (p Private) Public() Key {
	public, _ := p.key.Public().(ed25519.PublicKey)
	return Key{public}
}

// PEM writes the key.
func (p Private) PEM() ([]byte, error) {
	raw, err := x509.MarshalPKCS8PrivateKey(p.key)
	return written(privateBlock, raw, err)
}

// PEM writes the key.
func (k Key) PEM() ([]byte, error) {
	raw, err := x509.MarshalPKIXPublicKey(k.public)
	return written(publicBlock, raw, err)
}

// ID names the key: the beginning of its hash.
func (k Key) ID() string {
	sum := sha256.Sum256(k.public)
	return hex.EncodeToString(sum[:8])
}

func written(kind string, raw []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("write a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), nil
}

// ParsePrivate reads a private key; an error never repeats any of it.
func ParsePrivate(text []byte) (Private, error) {
	raw, err := block(text, privateBlock)
	if err != nil {
		return Private{}, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(raw)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return Private{}, errors.New("the private key is not of ed25519, or broken")
	}
	return Private{key}, nil
}

// ParsePublic reads a public key.
func ParsePublic(text []byte) (Key, error) {
	raw, err := block(text, publicBlock)
	if err != nil {
		return Key{}, err
	}
	parsed, err := x509.ParsePKIXPublicKey(raw)
	key, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return Key{}, errors.New("the public key is not of ed25519, or broken")
	}
	return Key{key}, nil
}

// block gives the one block of a PEM text.
func block(text []byte, kind string) ([]byte, error) {
	found, rest := pem.Decode(text)
	switch {
	case found == nil:
		return nil, fmt.Errorf("there is no PEM block %q", kind)
	case found.Type == privateBlock && kind == publicBlock:
		return nil, errors.New("this is a private key, and the public one is wanted; keep this one secret")
	case found.Type != kind:
		return nil, fmt.Errorf("the PEM block is %.40q, not %q", found.Type, kind)
	}
	if next, _ := pem.Decode(rest); next != nil {
		return nil, errors.New("there are several PEM blocks; one key a file")
	}
	return found.Bytes, nil
}
