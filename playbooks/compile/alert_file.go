package compile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// alertFile reads the alert that a schedule's runs are opened with. Its file stands in the playbook's folder or below it.
func (c *compiler) alertFile(n *syntax.Node) *plan.Alert {
	name := c.reader.Text(n, `"alert"`)
	switch {
	case name == "":
		return nil
	case !filepath.IsLocal(name):
		c.reader.Report(n, "path", "the file %q must stand in the playbook's folder or below it", name)
		return nil
	case c.options.Read == nil:
		c.reader.Report(n, "missing-file", "the file %q cannot be read: this playbook does not stand in a folder", name)
		return nil
	}
	raw, err := c.options.Read(name)
	if err != nil {
		c.reader.Report(n, "missing-file", "the file %q cannot be read: %v", name, err)
		return nil
	}
	alert, err := c.parseAlert(raw)
	if err != nil {
		c.reader.Report(n, "alert", "the file %q holds no alert: %v", name, err)
		return nil
	}
	return &alert
}

// parseAlert reads an alert in Firebreak's own words, or in a source's.
func (c *compiler) parseAlert(raw []byte) (plan.Alert, error) {
	var form map[string]json.RawMessage
	if err := json.Unmarshal(raw, &form); err != nil {
		return plan.Alert{}, err
	}
	if _, falco := form["output_fields"]; falco && c.options.Alert != nil {
		return c.options.Alert(raw)
	}
	var alert plan.Alert
	if err := json.Unmarshal(raw, &alert); err != nil {
		return alert, err
	}
	if err := c.strangeKeys(raw); err != nil {
		return alert, err
	}
	if alert.Rule == "" {
		return alert, errors.New("it has no \"rule\", the name of the rule that fired")
	}
	return alert, nil
}

// strangeKeys names the keys that no alert has, with their places: a typo would open runs with an alert that lacks what was
// written.
func (c *compiler) strangeKeys(raw []byte) error {
	k := &keys{raw: raw, decoder: json.NewDecoder(bytes.NewReader(raw))}
	k.value(c.types.roots["alert"])
	if len(k.strange) == 0 {
		return nil
	}
	return errors.New(strings.Join(k.strange, "; and "))
}

// keys walks through JSON that is well formed, beside the type that it should have.
type keys struct {
	raw     []byte
	decoder *json.Decoder
	strange []string
}

func (k *keys) value(t activities.Type) {
	token, err := k.decoder.Token()
	if err != nil {
		return
	}
	switch token {
	case json.Delim('{'):
		for k.decoder.More() {
			name, _ := k.decoder.Token()
			k.value(k.inner(t, fmt.Sprint(name)))
		}
		_, _ = k.decoder.Token() // its end
	case json.Delim('['):
		for k.decoder.More() {
			k.value(element(t))
		}
		_, _ = k.decoder.Token()
	}
}

// inner is the type of what stands under a key.
func (k *keys) inner(t activities.Type, name string) activities.Type {
	if t.Kind != activities.Object {
		return element(t)
	}
	field, ok := t.Field(name)
	if !ok {
		line, column := k.place(name)
		k.strange = append(k.strange, fmt.Sprintf("line %d, column %d: an alert has no %q here%s", line, column, name, syntax.DidYouMean(name, fieldNames(t))))
		return anything()
	}
	return field.Type
}

// place is where the key begins that was read last.
func (k *keys) place(name string) (line, column int) {
	before := k.raw[:k.decoder.InputOffset()]
	last := bytes.LastIndexByte(before, '\n')
	return bytes.Count(before, []byte("\n")) + 1, max(len([]rune(string(before[last+1:])))-len([]rune(name))-1, 1)
}
