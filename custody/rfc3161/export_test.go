package rfc3161

import "crypto/x509"

// ForTimestamps is forTimestamps, for tests.
func ForTimestamps(cert *x509.Certificate) error { return forTimestamps(cert) }
