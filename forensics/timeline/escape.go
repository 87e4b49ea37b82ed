package timeline

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// The signs of ASCII that no escape of ours, of JSON or of a body file touches, a bit each: all but control signs, " % \ |.
const (
	plainLow  = uint64(0xFFFFFFFF_00000000) &^ (1<<'"' | 1<<'%')
	plainHigh = uint64(1<<63-1) &^ (1<<('\\'-64) | 1<<('|'-64))
)

// plain gives the length of the head of s that is written as it is.
func plain(s string) int {
	for i := range len(s) {
		b, mask := s[i], plainLow
		if b >= 64 {
			mask = plainHigh
		}
		if b >= 128 || mask>>(b&63)&1 == 0 {
			return i
		}
	}
	return len(s)
}

// next takes the first sign off s. It is inert when it moves no cursor and turns no text around; bytes that are not UTF-8
// are not.
func next(s string) (size int, inert bool) {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 {
		return 1, false
	}
	return size, unicode.IsGraphic(r)
}

// appendHex writes bytes as \xNN, the backslash once or as JSON has it.
func appendHex(dst []byte, s, backslash string) []byte {
	for i := range len(s) {
		dst = append(dst, backslash...)
		dst = append(dst, 'x', hexDigits[s[i]>>4], hexDigits[s[i]&15])
	}
	return dst
}

// appendBodyName writes a name as a field of a body file. mactime splits a line at every | and then turns each %NN into
// the byte that it stands for: so | becomes %7C, a % that looks like such an escape becomes %25, and mactime shows the
// name as it is. What would break a line or move a cursor becomes \xNN, byte by byte, which mactime leaves alone; a
// backslash is doubled, so that the name can be got back.
func appendBodyName(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		if n := plain(s[i:]); n > 0 {
			dst = append(dst, s[i:i+n]...)
			i += n
			continue
		}
		b := s[i]
		switch {
		case b == '"':
			dst = append(dst, b)
		case b == '|':
			dst = append(dst, "%7C"...)
		case b == '\\':
			dst = append(dst, `\\`...)
		case b == '%' && escaped(s[i:]):
			dst = append(dst, "%25"...)
		case b == '%':
			dst = append(dst, b)
		default:
			size, inert := next(s[i:])
			if inert {
				dst = append(dst, s[i:i+size]...)
			} else {
				dst = appendHex(dst, s[i:i+size], `\`)
			}
			i += size
			continue
		}
		i++
	}
	return dst
}

// escaped tells whether mactime would take the head of s for a byte in hex.
func escaped(s string) bool { return len(s) > 2 && isHex(s[1]) && isHex(s[2]) }

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}

// inert makes a text of the disk fit for a terminal: what would move a cursor becomes \xNN.
func inert(s string) string {
	dst := make([]byte, 0, len(s))
	for len(s) > 0 {
		size, shown := next(s)
		if shown {
			dst = append(dst, s[:size]...)
		} else {
			dst = appendHex(dst, s[:size], `\`)
		}
		s = s[size:]
	}
	return string(dst)
}

// appendJSONText writes a JSON string of an attacker's words. What would move a cursor once the string is decoded and shown
// is \xNN in the string itself. Names of files are exact: their backslashes are doubled, so that they can be got back.
func appendJSONText(dst []byte, s string, exact bool) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		if n := plain(s[i:]); n > 0 {
			dst = append(dst, s[i:i+n]...)
			i += n
			continue
		}
		b := s[i]
		switch {
		case b == '|', b == '%':
			dst = append(dst, b)
		case b == '"':
			dst = append(dst, `\"`...)
		case b == '\\' && exact:
			dst = append(dst, `\\\\`...)
		case b == '\\':
			dst = append(dst, `\\`...)
		default:
			size, inert := next(s[i:])
			if inert {
				dst = append(dst, s[i:i+size]...)
			} else {
				dst = appendHex(dst, s[i:i+size], `\\`)
			}
			i += size
			continue
		}
		i++
	}
	return append(dst, '"')
}

// cut bounds a text and says how long it was.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return clip(s, most) + mark(int64(len(s)))
}

// clip gives the head of a text, without a sign that would be torn.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most
	for end > 0 && end > most-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// mark says how long a text was of which this is the head.
func mark(length int64) string { return "… (" + strconv.FormatInt(length, 10) + " bytes)" }

// whole gives the head of a text that was so long, of which text is what was read.
func whole(text string, length int64) string {
	if int64(len(text)) == length {
		return text // the event bounds it
	}
	return clip(text, maxMessage-64) + mark(length)
}
