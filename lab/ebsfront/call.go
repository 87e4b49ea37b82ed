package ebsfront

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const maxForm = 16 << 20

// call is one AWS request, as far as the front understands it.
type call struct {
	request   *http.Request
	service   string // from the signature's scope: "ec2", "ebs", …
	accessKey string
	action    string
	form      url.Values // of a query-protocol request; nil for any other
	body      []byte
	resources []string // every id the request names
}

// parseCall reads the signature's scope and, of a query-protocol request, the form. The body can be read again after.
func parseCall(r *http.Request) (*call, error) {
	c := &call{request: r}
	c.accessKey, c.service = parseScope(r.Header.Get("Authorization"))
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return c, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil || len(body) > maxForm {
		return nil, fmt.Errorf("read form of up to %d bytes: %w", maxForm, err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("decode form: %w", err)
	}
	c.body, c.form, c.action = body, form, form.Get("Action")
	c.resources = resourcesOf(form)
	return c, nil
}

// parseScope takes the access key and the service out of a version 4 signature header.
func parseScope(header string) (accessKey, service string) {
	_, rest, ok := strings.Cut(header, "Credential=")
	if !ok {
		return "", ""
	}
	scope, _, _ := strings.Cut(rest, ",")
	parts := strings.Split(strings.TrimSpace(scope), "/")
	if len(parts) != 5 {
		return "", ""
	}
	return parts[0], parts[3]
}

// resourcesOf gives every value of the form that may name a resource: ids, and the values of tag filters.
func resourcesOf(form url.Values) []string {
	var out []string
	for key, values := range form {
		if key == "Action" || key == "Version" || key == "Description" {
			continue
		}
		for _, v := range values {
			if v != "" && v != "true" && v != "false" {
				out = append(out, v)
			}
		}
	}
	return out
}

// names gives what a fault's resource is compared with, and what calls are counted under.
func (c *call) names() []string {
	if c.accessKey == "" {
		return c.resources
	}
	return append([]string{c.accessKey}, c.resources...)
}

func (c *call) dryRun() bool { return c.form.Get("DryRun") == "true" }
