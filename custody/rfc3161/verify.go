package rfc3161

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
)

// Verify tells whether the timestamp is of that SHA-256 and signed with a certificate for timestamps. With roots the
// certificate must lead to one of them, at the time that the timestamp says; without, whoever made the certificate made the
// timestamp.
func (r *Response) Verify(digest [sha256.Size]byte, roots *x509.CertPool) error {
	if !bytes.Equal(r.SHA256, digest[:]) {
		return fmt.Errorf("the timestamp is of the SHA-256 %x, and not of %x", r.SHA256, digest)
	}
	cert := r.certificate()
	if cert == nil {
		return errors.New("the timestamp does not carry the certificate that it is signed with")
	}
	if err := r.signer.check(r.content, cert); err != nil {
		return err
	}
	if err := forTimestamps(cert); err != nil {
		return err
	}
	if roots == nil {
		return nil
	}
	between := x509.NewCertPool()
	for _, c := range r.certs {
		between.AddCert(c)
	}
	if _, err := cert.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: r.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	}); err != nil {
		return fmt.Errorf("the timestamp's certificate: %w", err)
	}
	return nil
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

// certificate finds the signer's certificate among those that came with the timestamp; nil where it is not there.
func (r *Response) certificate() *x509.Certificate {
	var id issuerAndSerial
	bySerial := whole(r.signer.SID.FullBytes, &id, "signer") == nil
	for _, c := range r.certs {
		switch {
		case bySerial && bytes.Equal(c.RawIssuer, id.Issuer.FullBytes) && c.SerialNumber.Cmp(id.Serial) == 0:
			return c
		case !bySerial && r.signer.SID.Class == asn1.ClassContextSpecific && len(c.SubjectKeyId) > 0 &&
			bytes.Equal(c.SubjectKeyId, r.signer.SID.Bytes):
			return c
		}
	}
	return nil
}

// forTimestamps: a TSA's certificate is good for timestamps and for nothing else, and says so critically (RFC 3161,
// section 2.3).
func forTimestamps(cert *x509.Certificate) error {
	only := len(cert.ExtKeyUsage) == 1 && cert.ExtKeyUsage[0] == x509.ExtKeyUsageTimeStamping && len(cert.UnknownExtKeyUsage) == 0
	if !only || !critical(cert.Extensions) {
		return errors.New("the timestamp's certificate is not one for timestamps alone")
	}
	return nil
}

func critical(extensions []pkix.Extension) bool {
	for _, e := range extensions {
		if e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 37}) {
			return e.Critical
		}
	}
	return false
}
