package activities

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Essence is a digest of what a compiled plan takes for granted of an activity: its effect, its place, whether it can be
// undone, and the fields that its input and its output always have. A field that may be left out is not part of it, so an
// activity can get further ones without being another.
func Essence(d Definition) (string, error) {
	in, err := TypeOf(d.In)
	if err != nil {
		return "", fmt.Errorf("input of %s: %w", d.Name, err)
	}
	out, err := TypeOf(d.Out)
	if err != nil {
		return "", fmt.Errorf("output of %s: %w", d.Name, err)
	}
	raw, err := json.Marshal(struct {
		Name    string
		Effect  Effect
		Place   Place
		Undo    bool
		In, Out Type
	}{d.Name, d.Effect, d.Place, d.Undo != nil, bareType(in), bareType(out)})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), nil
}

// bareType is a type without what may be left out of it, and without words for people.
func bareType(t Type) Type {
	bare := Type{Kind: t.Kind}
	if t.Elem != nil {
		inner := bareType(*t.Elem)
		bare.Elem = &inner
	}
	for _, f := range t.Fields {
		if f.Required {
			bare.Fields = append(bare.Fields, Field{Name: f.Name, Required: true, Type: bareType(f.Type)})
		}
	}
	return bare
}
