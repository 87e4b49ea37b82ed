package ebsfront

import (
	"encoding/xml"
	"strings"
)

// element is an XML element of any name, so that the front can change two of moto's values and keep all others.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

func parseTree(raw []byte) (element, error) {
	var root element
	err := xml.Unmarshal(raw, &root)
	root.normalize()
	return root, err
}

// normalize takes out what the encoder would write a second time: it adds namespaces of its own.
func (e *element) normalize() {
	e.XMLName.Space = ""
	if len(e.Children) > 0 {
		e.Text = strings.TrimSpace(e.Text)
	}
	for i := range e.Children {
		e.Children[i].normalize()
	}
}

func (e *element) child(name string) *element {
	for i := range e.Children {
		if e.Children[i].XMLName.Local == name {
			return &e.Children[i]
		}
	}
	return nil
}

func (e *element) text(name string) string {
	if c := e.child(name); c != nil {
		return c.Text
	}
	return ""
}

func (e *element) set(name, value string) {
	if c := e.child(name); c != nil {
		c.Text = value
		return
	}
	e.Children = append(e.Children, element{XMLName: xml.Name{Local: name}, Text: value})
}

// snapshots visits every element that describes a snapshot; those for which keep says no are taken out.
func (e *element) snapshots(keep func(*element) bool) {
	if e.isSnapshot() {
		keep(e)
		return
	}
	kept := e.Children[:0]
	for _, c := range e.Children {
		switch {
		case !c.isSnapshot():
			c.snapshots(keep)
		case !keep(&c):
			continue
		}
		kept = append(kept, c)
	}
	e.Children = kept
}

func (e *element) isSnapshot() bool {
	return e.child("snapshotId") != nil && e.child("volumeId") != nil
}
