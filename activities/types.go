package activities

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// TypeKind is the kind of a value that crosses between steps.
type TypeKind string

// The kinds. Any is a JSON value whose shape is not declared.
const (
	String  TypeKind = "string"
	Integer TypeKind = "integer"
	Number  TypeKind = "number"
	Boolean TypeKind = "boolean"
	Time    TypeKind = "time"
	List    TypeKind = "list"
	Map     TypeKind = "map" // string keys
	Object  TypeKind = "object"
	Any     TypeKind = "any"
)

// Type is the one source for type checking, JSON Schema, documentation and decoding.
type Type struct {
	Kind   TypeKind `json:"kind"`
	Elem   *Type    `json:"elem,omitempty"`   // of List and Map
	Fields []Field  `json:"fields,omitempty"` // of Object, in the order of the Go struct
	// Code is the language in which a text is code, such as promql: from the tag `code`. An attacker's words must not become
	// part of it unquoted.
	Code string `json:"code,omitempty"`
}

// Field is one field of an object.
type Field struct {
	Name     string `json:"name"`
	Doc      string `json:"doc,omitempty"`
	Required bool   `json:"required,omitempty"` // no omitempty in its json tag
	Default  string `json:"default,omitempty"`  // an expression that a playbook's step has where it leaves the field out: from the tag `default`
	Type     Type   `json:"type"`
}

// Field gives the field of that name.
func (t Type) Field(name string) (Field, bool) {
	for _, f := range t.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// TypeOf reads a Go type through its json and doc tags. Types that JSON cannot carry, or that contain themselves, are
// an error: they are mistakes of the activity's author.
func TypeOf(t reflect.Type) (Type, error) { return typeOf(t, nil) }

func typeOf(t reflect.Type, outer []reflect.Type) (Type, error) {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return Type{Kind: Time}, nil
	case t == reflect.TypeFor[json.RawMessage]():
		return Type{Kind: Any}, nil
	case t.Kind() == reflect.Pointer:
		return typeOf(t.Elem(), outer)
	}
	switch t.Kind() {
	case reflect.String:
		return Type{Kind: String}, nil
	case reflect.Bool:
		return Type{Kind: Boolean}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return Type{Kind: Integer}, nil
	case reflect.Float32, reflect.Float64:
		return Type{Kind: Number}, nil
	case reflect.Interface:
		return Type{Kind: Any}, nil
	case reflect.Slice:
		return container(List, t, outer)
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return Type{}, fmt.Errorf("map %s: keys must be strings", t)
		}
		return container(Map, t, outer)
	case reflect.Struct:
		return object(t, outer)
	}
	return Type{}, fmt.Errorf("type %s cannot travel between steps", t)
}

func container(kind TypeKind, t reflect.Type, outer []reflect.Type) (Type, error) {
	elem, err := typeOf(t.Elem(), outer)
	if err != nil {
		return Type{}, err
	}
	return Type{Kind: kind, Elem: &elem}, nil
}

func object(t reflect.Type, outer []reflect.Type) (Type, error) {
	for _, o := range outer {
		if o == t {
			return Type{}, fmt.Errorf("type %s contains itself", t)
		}
	}
	outer = append(outer, t)
	out := Type{Kind: Object}
	for i := range t.NumField() {
		fields, err := fieldsOf(t.Field(i), outer)
		if err != nil {
			return Type{}, fmt.Errorf("%s: %w", t, err)
		}
		out.Fields = append(out.Fields, fields...)
	}
	return out, nil
}

func fieldsOf(f reflect.StructField, outer []reflect.Type) ([]Field, error) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" || !f.IsExported() {
		return nil, nil
	}
	t, err := typeOf(f.Type, outer)
	if err != nil {
		return nil, err
	}
	if f.Anonymous && name == "" {
		return t.Fields, nil
	}
	if name == "" {
		return nil, fmt.Errorf("field %s has no json tag", f.Name)
	}
	optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
	t.Code = f.Tag.Get("code")
	return []Field{{Name: name, Doc: f.Tag.Get("doc"), Required: !optional, Default: f.Tag.Get("default"), Type: t}}, nil
}
