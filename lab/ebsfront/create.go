package ebsfront

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

// volume is what the front reads of moto's answer to DescribeVolumes.
type volume struct {
	ID   string `xml:"volumeId"`
	GiB  int64  `xml:"size"`
	Tags []struct {
		Key   string `xml:"key"`
		Value string `xml:"value"`
	} `xml:"tagSet>item"`
	draft string // the copy of its image; empty when none is bound to it
}

func (v volume) image() string {
	for _, tag := range v.Tags {
		if tag.Key == ImageTag {
			return tag.Value
		}
	}
	return ""
}

// create copies the images of all volumes at this moment, lets moto make the snapshots, and gives each its copy. When
// a copy fails no snapshot is made.
func (f *Front) create(w http.ResponseWriter, c *call, shaping []Fault) {
	started := f.clock()
	volumes, err := f.copyVolumes(c)
	if err != nil {
		discard(volumes)
		c.refuse(w, refusal{status: 500, code: "InternalError", message: err.Error()})
		return
	}
	got, err := f.ask(c, c.form)
	if err != nil || got.status != http.StatusOK {
		discard(volumes)
		f.relay(w, c, got, err)
		return
	}
	root, err := parseTree(got.body)
	if err == nil {
		err = f.adopt(&root, volumes, f.plan(started, shaping))
	}
	if err != nil {
		c.refuse(w, refusal{status: 500, code: "InternalError", message: err.Error()})
		return
	}
	writeXML(w, http.StatusOK, root)
}

func (f *Front) relay(w http.ResponseWriter, c *call, got answer, err error) {
	if err != nil {
		c.refuse(w, refusal{status: 503, code: "Unavailable", message: err.Error()})
		return
	}
	got.send(w)
}

// copyVolumes finds the volumes that the call is about and copies the image of each.
func (f *Front) copyVolumes(c *call) (map[string]volume, error) {
	form := url.Values{"Action": {"DescribeVolumes"}, "Version": {c.form.Get("Version")}}
	if instance := c.form.Get("InstanceSpecification.InstanceId"); instance != "" {
		form.Set("Filter.1.Name", "attachment.instance-id")
		form.Set("Filter.1.Value.1", instance)
	} else {
		form.Set("VolumeId.1", c.form.Get("VolumeId"))
	}
	got, err := f.ask(c, form)
	if err != nil || got.status != http.StatusOK {
		return nil, err // moto refuses the creation itself with its own words
	}
	var found struct {
		Volumes []volume `xml:"volumeSet>item"`
	}
	if err := xml.Unmarshal(got.body, &found); err != nil {
		return nil, fmt.Errorf("decode volumes: %w", err)
	}
	out := map[string]volume{}
	var images []copying
	for _, v := range found.Volumes {
		if v.image() != "" {
			v.draft = f.store.draft(v.ID)
			images = append(images, copying{v.image(), v.draft})
		}
		out[v.ID] = v
	}
	return out, copyStill(images, copySparse)
}

func discard(volumes map[string]volume) {
	for _, v := range volumes {
		if v.draft != "" {
			os.Remove(v.draft)
		}
	}
}

// plan is how the snapshots of one call will go.
func (f *Front) plan(started time.Time, shaping []Fault) snapshot {
	plan := snapshot{Started: started, Duration: f.completion}
	if slow, ok := shaped(shaping, Duration); ok {
		plan.Duration = time.Duration(slow.Millis) * time.Millisecond
	}
	_, plan.Failed = shaped(shaping, Failed)
	return plan
}

// adopt keeps every snapshot that moto made, with the copy of its volume, and corrects moto's answer.
func (f *Front) adopt(root *element, volumes map[string]volume, plan snapshot) error {
	var failed error
	root.snapshots(func(e *element) bool {
		one := plan
		one.ID, one.Volume = e.text("snapshotId"), e.text("volumeId")
		v := volumes[one.Volume]
		one.GiB, one.Image = v.GiB, v.draft != ""
		if err := f.keep(&one, v); err != nil {
			failed = errors.Join(failed, err)
			return true
		}
		f.show(e, one)
		return true
	})
	discard(volumes) // what was adopted has been renamed
	return failed
}

func (f *Front) keep(one *snapshot, v volume) error {
	if one.Image {
		info, err := os.Stat(v.draft)
		if err != nil {
			return err
		}
		one.GiB = max(one.GiB, (info.Size()+1<<30-1)>>30)
		if err := os.Rename(v.draft, f.store.image(one.ID)); err != nil {
			return err
		}
	}
	return f.store.put(*one)
}

// show writes the snapshot's true state into moto's description of it. CreateSnapshots calls the state "state", the
// others "status".
func (f *Front) show(e *element, one snapshot) {
	state, progress := one.state(f.clock())
	name := "state"
	if e.child("status") != nil {
		name = "status"
	}
	e.set(name, state)
	e.set("progress", strconv.Itoa(progress)+"%")
}
