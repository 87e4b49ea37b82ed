package containers

import (
	"encoding/json"
	"fmt"
	"strings"
)

// runtimeSpec is the part of an OCI runtime specification that is used. containerd's CRI plugin writes into its
// annotations which pod the container is of, and names its control group for it.
type runtimeSpec struct {
	Annotations map[string]string `json:"annotations"`
	Linux       struct {
		CgroupsPath string `json:"cgroupsPath"`
	} `json:"linux"`
}

func decodeSpec(raw []byte) (runtimeSpec, error) {
	value, err := anyValue(raw)
	if err != nil {
		return runtimeSpec{}, err
	}
	var s runtimeSpec
	if err := json.Unmarshal(value, &s); err != nil {
		return runtimeSpec{}, fmt.Errorf("decode: %w", err)
	}
	return s, nil
}

// id is the last part of the control group's path: PARENT/ID, or SLICE:cri-containerd:ID under systemd.
func (s runtimeSpec) id() string {
	path := s.Linux.CgroupsPath
	id := path[strings.LastIndexAny(path, "/:")+1:]
	if len(id) != 64 || strings.Trim(id, "0123456789abcdef") != "" {
		return ""
	}
	return id
}

// specified gives containers of which the specification is left in a free page, and perhaps nothing else.
func (l *lister) specified(s *store, f *freed) []Container {
	var out []Container
	for _, page := range f.leaves {
		if l.ctx.Err() != nil || len(out) == maxRecovered {
			break
		}
		for _, e := range f.elements(f.page(page)) {
			if e.bucket || string(e.key) != "spec" {
				continue
			}
			spec, err := decodeSpec(e.value)
			if err != nil || spec.id() == "" || spec.Annotations["io.kubernetes.cri.container-type"] == "" {
				continue
			}
			out = append(out, s.fromSpec(f, page, spec))
		}
	}
	return out
}

func (s *store) fromSpec(f *freed, page uint64, spec runtimeSpec) Container {
	c := s.gone(f, spec.id(), page)
	a := func(key string) string { return clip(spec.Annotations["io.kubernetes.cri."+key]) }
	c.Name, c.Image, c.SandboxID = a("container-name"), a("image-name"), a("sandbox-id")
	c.Pod, c.PodNamespace, c.PodUID = a("sandbox-name"), a("sandbox-namespace"), a("sandbox-uid")
	if c.Sandbox = a("container-type") == "sandbox"; c.Sandbox {
		c.SandboxID = ""
	}
	return c
}
