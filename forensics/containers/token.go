package containers

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"crypto/x509"
)

// claims is the part of a service account's token that is used. Nobody checks its signature here: it says what its file
// says, and the file may be an attacker's.
type claims struct {
	Subject    string `json:"sub"` // system:serviceaccount:NAMESPACE:NAME
	Kubernetes struct {
		Namespace string `json:"namespace"`
		Node      named  `json:"node"`
		Pod       named  `json:"pod"`
		Account   named  `json:"serviceaccount"`
	} `json:"kubernetes.io"`
}

type named struct {
	Name string `json:"name"`
	UID  string `json:"uid"`
}

func (c claims) account() string {
	if c.Kubernetes.Account.Name != "" {
		return c.Kubernetes.Account.Name
	}
	parts := strings.Split(c.Subject, ":")
	if len(parts) == 4 && parts[0] == "system" && parts[1] == "serviceaccount" {
		return parts[3]
	}
	return ""
}

// decodeToken reads the payload of a JSON Web Token (RFC 7519).
func decodeToken(raw []byte) (claims, error) {
	parts := strings.Split(strings.TrimSpace(string(raw)), ".")
	if len(parts) != 3 {
		return claims{}, errors.New("it is no token of three parts")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return claims{}, fmt.Errorf("payload: %w", err)
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return claims{}, fmt.Errorf("payload: %w", err)
	}
	return c, nil
}

// tokens reads the tokens of a pod's volumes: projected ones, which the kubelet keeps in memory unless it was told
// otherwise, and those of secrets.
func (l *lister) tokens(p *Pod) {
	for _, v := range p.Volumes {
		if v.Plugin != "kubernetes.io/projected" && v.Plugin != "kubernetes.io/secret" {
			continue
		}
		name := path.Join(v.Path, "token")
		info, err := l.disk.Stat(name) // the kubelet makes it a link to the newest
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && (!info.Mode().IsRegular() || info.Size() > 64<<10) {
			err = fmt.Errorf("%s of %d bytes is no token", info.Mode().Type(), info.Size())
		}
		var raw []byte
		if err == nil {
			raw, err = l.bytes(name)
		}
		if err == nil {
			err = p.fromToken(raw)
		}
		if err != nil {
			l.problem(name, err)
		}
	}
}

func (p *Pod) fromToken(raw []byte) error {
	c, err := decodeToken(raw)
	if err != nil {
		return err
	}
	pod := c.Kubernetes.Pod
	if pod.UID != "" && pod.UID != p.UID {
		return fmt.Errorf("the token is of pod %q", clip(pod.UID))
	}
	p.ServiceAccount = cmp.Or(p.ServiceAccount, clip(c.account()))
	p.Namespace, p.Name = cmp.Or(p.Namespace, clip(c.Kubernetes.Namespace)), cmp.Or(p.Name, clip(pod.Name))
	p.Node = cmp.Or(p.Node, clip(c.Kubernetes.Node.Name))
	return nil
}

// nodeName reads the node's name from the kubelet's client certificate, whose common name is system:node:NAME, or from its
// kubeconfig; where neither is on the disk, the node is taken to be named like its host.
func (l *lister) nodeName(kubelet string) string {
	for _, file := range []string{"pki/kubelet-client-current.pem", "pki/kubelet-client.crt"} {
		name := path.Join(kubelet, file)
		info, err := l.disk.Stat(name)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxJSON {
			continue
		}
		raw, err := l.bytes(name)
		if err != nil {
			l.problem(name, err)
			continue
		}
		if node := nodeOf(raw); node != "" {
			return clip(node)
		}
	}
	for _, name := range []string{"etc/kubernetes/kubelet.conf", path.Join(kubelet, "kubeconfig")} {
		raw, err := l.small(name)
		if err != nil {
			continue
		}
		if m := regexp.MustCompile(`system:node:([a-z0-9][a-z0-9.-]{0,252})`).FindSubmatch(raw); m != nil {
			return string(m[1])
		}
	}
	return l.hostName()
}

// hostName is what the kubelet calls its node, unless it was told otherwise.
func (l *lister) hostName() string {
	raw, err := l.small("etc/hostname")
	if name := strings.ToLower(strings.TrimSpace(string(raw))); err == nil && regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,252}$`).MatchString(name) {
		return name
	}
	return ""
}

func nodeOf(raw []byte) string {
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		if node, ok := strings.CutPrefix(certificate.Subject.CommonName, "system:node:"); ok {
			return node
		}
	}
	return ""
}
