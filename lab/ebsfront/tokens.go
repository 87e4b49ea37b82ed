package ebsfront

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"
)

// tokenLife is how long AWS's block tokens last.
const tokenLife = 7 * 24 * time.Hour

// tokens signs block and page tokens, so that the front need not remember them.
type tokens struct{ secret []byte }

// sign gives a token for one purpose, snapshot and number that holds until expires.
func (t tokens) sign(purpose, snapshot string, number int32, expires time.Time) string {
	raw := binary.BigEndian.AppendUint32(nil, uint32(number))
	raw = binary.BigEndian.AppendUint64(raw, uint64(expires.Unix()))
	return base64.StdEncoding.EncodeToString(append(raw, t.mac(purpose, snapshot, raw)...))
}

// open gives the token's number; false when it was not signed for this purpose and snapshot, or has run out.
func (t tokens) open(purpose, snapshot, token string, now time.Time) (int32, bool) {
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(raw) != 12+16 {
		return 0, false
	}
	if !hmac.Equal(raw[12:], t.mac(purpose, snapshot, raw[:12])) {
		return 0, false
	}
	if now.Unix() > int64(binary.BigEndian.Uint64(raw[4:12])) {
		return 0, false
	}
	return int32(binary.BigEndian.Uint32(raw)), true
}

func (t tokens) mac(purpose, snapshot string, raw []byte) []byte {
	h := hmac.New(sha256.New, t.secret)
	fmt.Fprintf(h, "%s\x00%s\x00%s", purpose, snapshot, raw)
	return h.Sum(nil)[:16]
}
