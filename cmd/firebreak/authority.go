package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/firebreak-ir/firebreak/config"
	"github.com/firebreak-ir/firebreak/workflows/authority"
)

// authority gives what a new case knows of the people who may decide; nil where the configuration names neither people nor
// a key of the receiver.
func (a *app) authority(cfg config.Config) (*authority.Authority, error) {
	voucher, err := cfg.Receiver.Public(a.env)
	if err != nil {
		return nil, wrongf("public key of the receiver: %w; where its private key is not to be, name receiver.publicKey", err)
	}
	if len(cfg.People) == 0 && voucher == nil {
		return nil, nil
	}
	out := &authority.Authority{Responders: cfg.Responders}
	for _, p := range cfg.People {
		public, err := config.ReadPublic(p.Key)
		if err != nil {
			return nil, wrongf("%s:%d:%d: key of %q: %w", cfg.File, p.Key.Pos.Line, p.Key.Pos.Column, p.Subject, err)
		}
		out.Keys = append(out.Keys, authority.Key{
			ID: p.Subject, Public: base64.StdEncoding.EncodeToString(public), Subject: p.Subject, Groups: p.Groups,
		})
	}
	if voucher != nil {
		out.Keys = append(out.Keys, authority.Key{ID: voucherID(voucher), Public: base64.StdEncoding.EncodeToString(voucher)})
	}
	return out, nil
}

// voucherID names the receiver's key.
func voucherID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return "receiver " + hex.EncodeToString(sum[:8])
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
	key, err := config.ParsePrivate(text)
	if err != nil {
		return signer{}, wrongf("key %q: %w", file, err)
	}
	subject, err := subjectOf(cfg, key)
	return signer{subject, key}, err
}

// subjectOf finds whose key it is.
func subjectOf(cfg config.Config, key ed25519.PrivateKey) (string, error) {
	mine, _ := key.Public().(ed25519.PublicKey)
	for _, p := range cfg.People {
		if public, err := config.ReadPublic(p.Key); err == nil && public.Equal(mine) {
			return p.Subject, nil
		}
	}
	return "", wrongf("the key is that of none of the people in %q", cfg.File)
}

// sign makes a decision provable, where there is a key.
func (s signer) sign(d authority.Decision, now time.Time) (authority.Decision, error) {
	nonce, err := newNonce()
	if err != nil {
		return d, err
	}
	d.Subject, d.Nonce, d.At = s.subject, nonce, now.UTC()
	if s.key == nil {
		return d, nil
	}
	return authority.Sign(d, s.subject, s.key), nil
}

// newNonce is what keeps a decision from being taken twice.
func newNonce() (string, error) {
	var nonce [16]byte
	_, err := rand.Read(nonce[:])
	return hex.EncodeToString(nonce[:]), err
}
