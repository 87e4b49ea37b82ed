package live

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/firebreak-ir/firebreak/activities"
)

// reader reads the logs of one pod.
type reader struct {
	k   kubernetes.Interface
	pod PodRef
}

// stream gives the function that copies one log as it comes, in small pieces. Logs are asked for by the pod's name, so
// when it is done it looks whether the name still belongs to the same pod: else nothing becomes evidence. Where the
// connection broke because the pod is gone, nobody can read more: cut is told, and what was read is kept.
func (r reader) stream(ctx context.Context, src source, before int64, cut func(why error) error) func(io.Writer) error {
	return func(w io.Writer) error {
		body, err := r.k.CoreV1().Pods(r.pod.Namespace).GetLogs(r.pod.Name, &corev1.PodLogOptions{
			Container: src.container, Previous: src.previous, Timestamps: true,
		}).Stream(ctx)
		if err != nil {
			return request{"get", "pods/log", r.pod.Namespace, r.pod.Name}.explain(err)
		}
		defer body.Close()
		log := bufio.NewReader(body)
		if err := isLog(log); err != nil {
			return err
		}
		n, broken := io.Copy(&counting{ctx: ctx, to: w, n: before, what: src.String()}, log)
		there, err := r.stillThere(ctx)
		switch {
		case broken == nil || err != nil:
			return errors.Join(wrapRead(broken), err)
		case !there && n > 0 && ctx.Err() == nil:
			return cut(broken)
		}
		return wrapRead(broken)
	}
}

func wrapRead(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read the log: %w", err)
}

// errNoLog is wrapped where a kubelet answers with a sentence instead of a log.
var errNoLog = errors.New("the kubelet has no such log")

// isLog looks at how the answer begins. A kubelet that cannot find a container's log says so with status 200, in the
// body. Every line of a log begins with the time that was asked for.
func isLog(log *bufio.Reader) error {
	begin, err := log.Peek(256)
	if len(begin) == 0 || (err != nil && !errors.Is(err, io.EOF)) {
		return nil // empty, or broken: then the copy says so
	}
	first, _, _ := bytes.Cut(begin, []byte(" "))
	if _, err := time.Parse(time.RFC3339Nano, string(first)); err != nil {
		return fmt.Errorf("%w; it says %q", errNoLog, bytes.TrimSpace(begin))
	}
	return nil
}

// stillThere tells whether the pod is there; an error where its name belongs to another pod. Gone is no error: nobody
// else has taken the name.
func (r reader) stillThere(ctx context.Context) (bool, error) {
	_, err := getPod(ctx, r.k, r.pod)
	if isGone(err) {
		return false, nil
	}
	return err == nil, err
}

// counting reports progress as the bytes pass.
type counting struct {
	ctx      context.Context
	to       io.Writer
	n        int64
	reported int64
	what     string
}

const reportEvery = 1 << 20

// Write is io.Writer's.
func (c *counting) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	if c.n += int64(n); c.n-c.reported >= reportEvery || c.reported == 0 {
		c.reported = c.n
		activities.Report(c.ctx, activities.Progress{Done: c.n, Unit: "bytes", Message: "log of container " + c.what})
	}
	return n, err
}
