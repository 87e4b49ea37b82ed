package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Error is an expression that failed on the values of one run.
type Error struct {
	Expr Expr
	Err  error
}

// Error names the expression and its place.
func (e *Error) Error() string {
	return fmt.Sprintf("expression %q in line %d: %v", e.Expr.Source, e.Expr.Pos.Line, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Bool evaluates a condition.
func (e *Evaluator) Bool(expr Expr, s Scope) (bool, error) {
	v, err := e.eval(expr, s)
	if err != nil {
		return false, err
	}
	b, ok := v.(types.Bool)
	if !ok {
		return false, &Error{expr, fmt.Errorf("a condition must be true or false, not %s", v.Type().TypeName())}
	}
	return bool(b), nil
}

// List evaluates an expression that gives a list; null is an empty one.
func (e *Evaluator) List(expr Expr, s Scope) ([]any, error) {
	v, err := e.plain(expr, s)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case nil:
		return []any{}, nil
	case []any:
		return v, nil
	}
	return nil, &Error{expr, fmt.Errorf("a list is needed, not %s", form(v))}
}

// Text evaluates an expression for use inside text: a text as it is, anything else as JSON writes it.
func (e *Evaluator) Text(expr Expr, s Scope) (string, error) {
	v, err := e.plain(expr, s)
	if err != nil {
		return "", err
	}
	if text, ok := v.(string); ok {
		return text, nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return "", &Error{expr, err}
	}
	return string(raw), nil
}

// Value evaluates a template into a fresh plain value: map[string]any, []any, string, bool, int64, float64 or nil.
func (e *Evaluator) Value(v Value, s Scope) (any, error) {
	switch {
	case v.Expr != nil:
		return e.plain(*v.Expr, s)
	case v.Text != nil:
		return e.parts(v.Text, s)
	case v.List != nil:
		return e.items(v.List, s)
	case v.Map != nil:
		return e.Entries(v.Map, s)
	case v.Empty == "list":
		return []any{}, nil
	case v.Empty == "map":
		return map[string]any{}, nil
	}
	return Copy(v.Literal), nil
}

// Entries evaluates the values of a map, such as a playbook's outputs.
func (e *Evaluator) Entries(entries []Entry, s Scope) (map[string]any, error) {
	out := make(map[string]any, len(entries))
	for _, entry := range entries {
		v, err := e.Value(entry.Value, s)
		if err != nil {
			return nil, err
		}
		out[entry.Key] = v
	}
	return out, nil
}

func (e *Evaluator) items(values []Value, s Scope) (any, error) {
	out := make([]any, 0, len(values))
	for _, value := range values {
		v, err := e.Value(value, s)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (e *Evaluator) parts(parts []Part, s Scope) (any, error) {
	var b strings.Builder
	for _, part := range parts {
		b.WriteString(part.Words)
		if part.Expr == nil {
			continue
		}
		text, err := e.Text(*part.Expr, s)
		if err != nil {
			return nil, err
		}
		if part.Quote != "" {
			text = Escape(text)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func (e *Evaluator) plain(expr Expr, s Scope) (any, error) {
	v, err := e.eval(expr, s)
	if err != nil {
		return nil, err
	}
	out, err := plain(v)
	if err != nil {
		return nil, &Error{expr, err}
	}
	return out, nil
}

func (e *Evaluator) eval(expr Expr, s Scope) (ref.Val, error) {
	if e.types == nil {
		return nil, &Error{expr, errors.New("the evaluator knows no plan; make one with For")}
	}
	program, err := e.cache.program(expr.Source)
	if err != nil {
		return nil, &Error{expr, err}
	}
	empty := &absences{}
	v, _, err := program.Eval(activation{Scope: s, types: e.types, empty: empty})
	if err != nil && len(empty.steps) > 0 {
		err = fmt.Errorf("%w; step %q has no output because it was skipped or failed: ask has(…) first", err, empty.steps[0])
	}
	if err != nil {
		return nil, &Error{expr, err}
	}
	return v, nil
}
