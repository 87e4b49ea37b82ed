package ebsfront

import (
	"encoding/xml"
	"net/http"
	"time"
)

// refusal is an error answer, with AWS's code and status.
type refusal struct {
	status  int
	code    string
	reason  string // of the EBS direct APIs
	message string
}

const xmlKind = "text/xml;charset=UTF-8"

// refuse answers in the service's own form: JSON for the EBS direct APIs, XML for the query protocol.
func (c *call) refuse(w http.ResponseWriter, no refusal) {
	if c.service == "ebs" {
		w.Header().Set("X-Amzn-ErrorType", no.code)
		body := map[string]string{"Message": no.message}
		if no.reason != "" {
			body["Reason"] = no.reason
		}
		writeJSON(w, no.status, body)
		return
	}
	type problem struct{ Code, Message string }
	var answer any = struct {
		XMLName   xml.Name  `xml:"Response"`
		Errors    []problem `xml:"Errors>Error"`
		RequestID string
	}{Errors: []problem{{no.code, no.message}}, RequestID: "lab"}
	if c.service != "ec2" {
		answer = struct {
			XMLName   xml.Name `xml:"ErrorResponse"`
			Error     problem
			RequestID string `xml:"RequestId"`
		}{Error: problem{no.code, no.message}, RequestID: "lab"}
	}
	writeXML(w, no.status, answer)
}

func writeXML(w http.ResponseWriter, status int, v any) {
	body, err := xml.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	reply(w, status, xmlKind, append([]byte(xml.Header), body...))
}

// ordered turns a fault that ends the call into the answer AWS gives; false for a fault that shapes a good answer.
func (c *call) ordered(fault Fault) (refusal, bool) {
	if c.service == "ebs" {
		return c.orderedDirect(fault.Kind)
	}
	switch fault.Kind {
	case Throttle:
		return refusal{status: 503, code: "RequestLimitExceeded", message: "Request limit exceeded."}, true
	case Unauthorized:
		return refusal{status: 403, code: "UnauthorizedOperation", message: "You are not authorized to perform this operation. " +
			"User: arn:aws:iam::123456789012:user/lab is not authorized to perform: " + c.service + ":" + fault.Action +
			" because no identity-based policy allows the " + c.service + ":" + fault.Action + " action"}, true
	case Expired:
		return refusal{status: 400, code: "RequestExpired", message: "Request has expired."}, true
	case Error500:
		return refusal{status: 500, code: "InternalError", message: "An internal error has occurred"}, true
	}
	return refusal{}, false
}

func (c *call) orderedDirect(kind string) (refusal, bool) {
	switch kind {
	case Throttle:
		return refusal{400, "RequestThrottledException", "ACCOUNT_THROTTLED", "The number of API requests has exceeded the maximum allowed"}, true
	case Unauthorized:
		return refusal{403, "AccessDeniedException", "", "User: arn:aws:iam::123456789012:user/lab is not authorized to perform: " + c.iam()}, true
	case Expired:
		return refusal{403, "ExpiredTokenException", "", "The security token included in the request is expired"}, true
	case Error500:
		return refusal{500, "InternalServerException", "", "An internal error has occurred"}, true
	case Missing:
		return refusal{404, "ResourceNotFoundException", "", "The block was not found"}, true
	case Stale:
		if c.action != "GetSnapshotBlock" {
			return refusal{400, "ValidationException", "INVALID_PAGE_TOKEN", "The page token is invalid or has expired"}, true
		}
		return refusal{400, "ValidationException", "INVALID_BLOCK_TOKEN", "The block token has expired"}, true
	}
	return refusal{}, false
}

// iam is the call's name in IAM policies.
func (c *call) iam() string { return c.service + ":" + c.action }

// strike counts the call, waits where a test ordered latency, and answers where it ordered an error: then done is true.
// Faults that shape a good answer are handed back.
func (f *Front) strike(w http.ResponseWriter, c *call, block *int32) (shaping []Fault, done bool) {
	how := ""
	if c.dryRun() {
		how = "?DryRun"
	}
	f.calls.count(c.iam()+how, c.names())
	struck := f.faults.strike(c.action, c.names(), block)
	if c.form.Has("TagSpecification.1.ResourceType") { // IAM asks for a second action
		f.calls.count(c.service+":"+tagging+how, c.names())
		struck = append(struck, f.faults.strike(tagging, c.names(), nil)...)
	}
	for _, fault := range struck {
		if fault.Kind == Latency {
			f.wait(c, time.Duration(fault.Millis)*time.Millisecond)
			continue
		}
		if no, ends := c.ordered(fault); ends {
			c.refuse(w, no)
			return nil, true
		}
		shaping = append(shaping, fault)
	}
	return shaping, false
}

// tagging is the action that creating something with tags needs as well.
const tagging = "CreateTags"

func (f *Front) wait(c *call, d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.request.Context().Done():
	}
}

// shaped finds a fault of that kind.
func shaped(faults []Fault, kind string) (Fault, bool) {
	for _, fault := range faults {
		if fault.Kind == kind {
			return fault, true
		}
	}
	return Fault{}, false
}
