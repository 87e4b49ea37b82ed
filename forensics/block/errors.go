package block

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ebs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Reason sorts the failures of the EBS direct APIs by what helps against them.
type Reason string

// The reasons of an APIError.
const (
	Denied    Reason = "denied"    // the credentials lack the permission named by Action
	Expired   Reason = "expired"   // the credentials have expired; fresh ones help
	Throttled Reason = "throttled" // too many requests; waiting After helps
	NotFound  Reason = "not found" // no such snapshot
	NotReady  Reason = "not ready" // the snapshot cannot be read: it is still pending, or archived
	Failing   Reason = "failing"   // the service or the network failed; a later retry may help
	Refused   Reason = "refused"   // the service refused the request itself; no retry helps
	Missing   Reason = "missing"   // the block is listed, and the service does not find it
	Broken    Reason = "broken"    // the service fails at this block, while it answers for others
)

// APIError is a call of the EBS direct APIs that failed for good: this package's own retries are used up.
type APIError struct {
	Action   string // IAM's name of the call, such as "ebs:GetSnapshotBlock"
	Snapshot string
	Reason   Reason
	After    time.Duration // with Throttled: how long to wait at least
	Err      error
}

// Error names the call, the snapshot and the cause.
func (e *APIError) Error() string {
	return fmt.Sprintf("%s on snapshot %q (%s): %v", e.Action, e.Snapshot, e.Reason, e.Err)
}

// Unwrap gives the SDK's error.
func (e *APIError) Unwrap() error { return e.Err }

// CorruptError is a block whose bytes differ from the checksum that came with it, at every attempt.
type CorruptError struct {
	Snapshot string
	Index    int32
	Offset   int64
	Want     string // base64 SHA-256 as the API gave it
	Got      string // base64 SHA-256 of the bytes that came
	Why      string // set when the answer was malformed in another way
}

// UnreadableError is a block that did not come: its cause, an *APIError, says why.
type UnreadableError struct {
	Snapshot string
	Index    int32
	Offset   int64
	Err      error
}

// Error says which block of which snapshot, and where on the disk it lies.
func (e *UnreadableError) Error() string {
	return fmt.Sprintf("block %d of snapshot %q (disk offset %d) cannot be read: %v", e.Index, e.Snapshot, e.Offset, e.Err)
}

// Unwrap gives the cause.
func (e *UnreadableError) Unwrap() error { return e.Err }

// onlyThis tells whether a failure is one of this block alone, so that the rest of the snapshot can be read.
func onlyThis(err error) bool {
	var api *APIError
	return isCorrupt(err) || errors.As(err, &api) && (api.Reason == Missing || api.Reason == Broken)
}

// Error says which block of which snapshot, and where on the disk it lies.
func (e *CorruptError) Error() string {
	why := e.Why
	if why == "" {
		why = fmt.Sprintf("SHA-256 is %s, the API says %s", e.Got, e.Want)
	}
	return fmt.Sprintf("block %d of snapshot %q (disk offset %d) is corrupt: %s", e.Index, e.Snapshot, e.Offset, why)
}

// staleToken tells that a block's token has to be listed anew.
func staleToken(err error) bool {
	return validationReason(err) == string(types.ValidationExceptionReasonInvalidBlockToken)
}

// stalePage tells that the listing has to go on with another token than that of its last page.
func stalePage(err error) bool {
	return validationReason(err) == string(types.ValidationExceptionReasonInvalidPageToken)
}

func classify(err error) Reason {
	var alone *aloneError
	if errors.As(err, &alone) {
		return Broken
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return Failing
	}
	switch api.ErrorCode() {
	case "ThrottlingException", "RequestThrottledException", "RequestThrottled", "Throttling", "TooManyRequestsException",
		"RequestLimitExceeded", "ServiceQuotaExceededException":
		return Throttled
	case "ExpiredTokenException", "ExpiredToken", "RequestExpired":
		return Expired
	case "AccessDeniedException", "UnauthorizedOperation", "AccessDenied", "UnrecognizedClientException",
		"InvalidSignatureException", "MissingAuthenticationTokenException", "OptInRequired":
		return Denied
	case "ResourceNotFoundException":
		return absence(err)
	case "ValidationException":
		return refusal(err)
	}
	if serverSide(err) {
		return Failing
	}
	return Refused
}

func refusal(err error) Reason {
	switch validationReason(err) {
	case string(types.ValidationExceptionReasonInvalidSnapshotId):
		return NotReady
	case string(types.ValidationExceptionReasonInvalidBlock):
		return Missing
	}
	return Refused
}

// absence tells a block that is not there from a snapshot, a key or a grant that is not.
func absence(err error) Reason {
	var absent *types.ResourceNotFoundException
	if errors.As(err, &absent) && absent.Reason == "" {
		return Missing
	}
	return NotFound
}

// answered tells a failure that the service itself told from one of the way to it.
func answered(err error) bool {
	var answer *smithyhttp.ResponseError
	return errors.As(err, &answer)
}

func serverSide(err error) bool {
	var answer *smithyhttp.ResponseError
	return !errors.As(err, &answer) || answer.HTTPStatusCode() >= http.StatusInternalServerError
}

func isSilent(err error) bool { return errors.Is(err, errSilent) }

func validationReason(err error) string {
	var validation *types.ValidationException
	if errors.As(err, &validation) {
		return string(validation.Reason)
	}
	return ""
}
