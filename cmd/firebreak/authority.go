package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/workflows/authority"
)

// authority gives what a new case knows of the people who may decide; nil where the configuration names none.
func (a *app) authority(cfg config.Config) (*authority.Authority, error) {
	if len(cfg.People) == 0 {
		return nil, nil
	}
	out := &authority.Authority{Responders: cfg.Responders}
	for _, p := range cfg.People {
		public, err := publicKey(p.Key)
		if err != nil {
			return nil, wrongf("%s:%d:%d: key of %q: %v", cfg.File, p.Key.Pos.Line, p.Key.Pos.Column, p.Subject, err)
		}
		out.Keys = append(out.Keys, authority.Key{
			ID: p.Subject, Public: base64.StdEncoding.EncodeToString(public), Subject: p.Subject, Groups: p.Groups,
		})
	}
	return out, nil
}

func publicKey(k config.SigningKey) (ed25519.PublicKey, error) {
	text := []byte(k.PEM)
	if k.File != "" {
		var err error
		if text, err = readFile(k.File, maxKey); err != nil {
			return nil, err
		}
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is no PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it holds no public key")
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("it is a key of another kind (%T); an ed25519 key is needed", key)
	}
	return public, nil
}

// keyFile is where a person's own key is looked for when no --key is given.
func (a *app) keyFile() string {
	home, ok := a.env("HOME")
	if !ok {
		return ""
	}
	return filepath.Join(home, ".config", "firebreak", "me.key")
}

// signer is who decides: with a key, or by the name of the account.
type signer struct {
	subject string
	key     ed25519.PrivateKey // nil: taken at their word
}

// signer reads a person's key. The standard one need not be there.
func (a *app) signer(cfg config.Config, file string) (signer, error) {
	standard := file == ""
	if standard {
		file = a.keyFile()
	}
	text, err := readFile(file, maxKey)
	switch {
	case standard && (file == "" || errors.Is(err, os.ErrNotExist)):
		return signer{subject: a.person}, nil
	case err != nil:
		return signer{}, unread(fmt.Errorf("key: %w", err))
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return signer{}, wrongf("key %q: it is no PEM", file)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return signer{}, wrongf("key %q: it holds no private ed25519 key (PKCS #8)", file)
	}
	subject, err := subjectOf(cfg, key)
	return signer{subject, key}, err
}

// subjectOf finds whose key it is.
func subjectOf(cfg config.Config, key ed25519.PrivateKey) (string, error) {
	mine, _ := key.Public().(ed25519.PublicKey)
	for _, p := range cfg.People {
		if public, err := publicKey(p.Key); err == nil && public.Equal(mine) {
			return p.Subject, nil
		}
	}
	return "", wrongf("the key is that of none of the people in %q", cfg.File)
}

// sign makes a decision provable, where there is a key.
func (s signer) sign(d authority.Decision, now time.Time) (authority.Decision, error) {
	var nonce [16]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return d, err
	}
	d.Subject, d.Nonce, d.At = s.subject, hex.EncodeToString(nonce[:]), now.UTC()
	if s.key == nil {
		return d, nil
	}
	return authority.Sign(d, s.subject, s.key), nil
}
