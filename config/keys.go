package config

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxKey is how long a file with a key may be.
const maxKey = 64 << 10

// ReadPublic gives a person's or the receiver's public key: it stands in the configuration, as PEM or base64, or in a file.
func ReadPublic(k SigningKey) (ed25519.PublicKey, error) {
	text := []byte(k.PEM)
	if k.File != "" {
		var err error
		if text, err = readBounded(k.File); err != nil {
			return nil, err
		}
	}
	if bare, ok := bareKey(string(text)); ok {
		return bare, nil
	}
	raw, err := block(text, "PUBLIC KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(raw)
	if err != nil {
		return nil, errors.New("it holds no public key")
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("it is a key of another kind (%T); an ed25519 key is needed", key)
	}
	return public, nil
}

// ParsePrivate reads a private ed25519 key (PKCS #8, PEM). An error repeats none of it.
func ParsePrivate(text []byte) (ed25519.PrivateKey, error) {
	raw, err := block(text, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(raw)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, errors.New("it holds no private ed25519 key (PKCS #8)")
	}
	return key, nil
}

// Private gives the receiver's private key; nil where none is named.
func (r Receiver) Private(env Lookup) (ed25519.PrivateKey, error) {
	text, err := r.SigningKey.Read(env)
	if err != nil || text == "" {
		return nil, err
	}
	key, err := ParsePrivate([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("the key in %s: %w", r.SigningKey, err)
	}
	return key, nil
}

// Public gives the receiver's public key; nil where it has none.
func (r Receiver) Public(env Lookup) (ed25519.PublicKey, error) {
	if r.PublicKey != (SigningKey{}) {
		return ReadPublic(r.PublicKey)
	}
	key, err := r.Private(env)
	if err != nil || key == nil {
		return nil, err
	}
	public, _ := key.Public().(ed25519.PublicKey)
	return public, nil
}

// bareKey takes the 32 bytes of a public key in standard base64.
func bareKey(text string) (ed25519.PublicKey, bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	return raw, err == nil && len(raw) == ed25519.PublicKeySize
}

func block(text []byte, kind string) ([]byte, error) {
	found, _ := pem.Decode(text)
	switch {
	case found == nil:
		return nil, errors.New("it is no PEM")
	case found.Type == "PRIVATE KEY" && kind != found.Type:
		return nil, errors.New("it is a private key, and the public one is wanted; keep this one secret")
	case found.Type != kind:
		return nil, fmt.Errorf("the PEM block is %.40q, not %q", found.Type, kind)
	}
	return found.Bytes, nil
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxKey+1))
	if err == nil && len(raw) > maxKey {
		err = fmt.Errorf("%q is longer than %d bytes", name, maxKey)
	}
	return raw, err
}
