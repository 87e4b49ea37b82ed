package aws

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"github.com/firebreak-ir/firebreak/activities"
)

// throttlePause is how long EC2's request bucket needs to fill up noticeably.
const throttlePause = 10 * time.Second

// explain turns an error of the SDK into one that says whether a retry helps, and what a person can do. action is
// IAM's name of the call, such as "ec2:CreateSnapshots".
func explain(action string, err error) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("%s: %w", action, err)
	var api smithy.APIError
	if !errors.As(err, &api) {
		return wrapped
	}
	code := api.ErrorCode()
	switch {
	case throttles(code):
		return &activities.ThrottledError{After: throttlePause, Err: wrapped}
	case forbids(code):
		return activities.Permanent(activities.Forbidden, wrapped, "grant "+denied(action, api.ErrorMessage())+" to the worker's role")
	case distrusts(code):
		return activities.Permanent(activities.Forbidden, wrapped, "AWS does not know the worker's credentials; check its role, keys and region")
	case expired(code):
		return fmt.Errorf("%w; the worker's credentials have expired: renew them, the step goes on by itself", wrapped)
	case missing(code):
		return activities.Permanent(activities.NotFound, wrapped, "check the id, the region and the account")
	}
	return wrapped
}

// refused tells that EC2 answered and did nothing. After any other failure the call may have worked all the same.
func refused(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	code := api.ErrorCode()
	return throttles(code) || forbids(code) || distrusts(code) || expired(code) || missing(code)
}

func throttles(code string) bool {
	switch code {
	case "RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
		"RequestThrottledException", "TooManyRequestsException", "EC2ThrottledException", "Client.RequestLimitExceeded",
		"SnapshotCreationPerVolumeRateExceeded", "ConcurrentSnapshotLimitExceeded":
		return true
	}
	return false
}

func forbids(code string) bool {
	return code == "UnauthorizedOperation" || code == "AccessDenied" || code == "AccessDeniedException"
}

func distrusts(code string) bool {
	switch code {
	case "AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "OptInRequired":
		return true
	}
	return false
}

func expired(code string) bool {
	return code == "RequestExpired" || code == "ExpiredToken" || code == "ExpiredTokenException"
}

func missing(code string) bool {
	return strings.HasSuffix(code, ".NotFound") || strings.HasSuffix(code, ".Malformed")
}

var performed = regexp.MustCompile(`not authorized to perform: ([a-z0-9-]+:[A-Za-z0-9]+)`)

// denied names the action to grant: AWS says it in the message where it is another than the call, as ec2:CreateTags is
// when a creation carries tags.
func denied(action, message string) string {
	if m := performed.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return action
}
