package ebsfront

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"time"
)

// lock keeps a snapshot from being deleted until its lock runs out.
func (f *Front) lock(w http.ResponseWriter, c *call) {
	one, known := f.store.find(c.form.Get("SnapshotId"))
	if !known {
		c.refuse(w, refusal{status: 400, code: "InvalidSnapshot.NotFound", message: "The snapshot '" + c.form.Get("SnapshotId") + "' does not exist."})
		return
	}
	days, err := number(c.form.Get("LockDuration"), 1)
	mode := c.form.Get("LockMode")
	if err != nil || days < 1 || (mode != "governance" && mode != "compliance") {
		c.refuse(w, refusal{status: 400, code: "InvalidParameterValue", message: "LockMode or LockDuration is invalid."})
		return
	}
	now := f.clock()
	one.Lock = &lock{Mode: mode, Created: now, Expires: now.AddDate(0, 0, days)}
	if err := f.store.put(one); err != nil {
		c.refuse(w, refusal{status: 500, code: "InternalError", message: err.Error()})
		return
	}
	root := lockAnswer(one)
	root.XMLName.Local = "LockSnapshotResponse"
	writeXML(w, http.StatusOK, root)
}

// locked lists the locks of the snapshots that are asked for; none where there is none.
func (f *Front) locked(w http.ResponseWriter, c *call) {
	set := element{XMLName: xml.Name{Local: "snapshotSet"}}
	for i := 1; ; i++ {
		id := c.form.Get(fmt.Sprint("SnapshotId.", i))
		if id == "" {
			break
		}
		if one, known := f.store.find(id); known && one.Lock != nil {
			set.Children = append(set.Children, lockAnswer(one))
		}
	}
	writeXML(w, http.StatusOK, element{XMLName: xml.Name{Local: "DescribeLockedSnapshotsResponse"}, Children: []element{set}})
}

func lockAnswer(one snapshot) element {
	root := element{XMLName: xml.Name{Local: "item"}}
	root.set("snapshotId", one.ID)
	root.set("lockState", one.Lock.Mode)
	root.set("lockDuration", fmt.Sprint(int(one.Lock.Expires.Sub(one.Lock.Created).Hours()/24)))
	root.set("lockCreatedOn", one.Lock.Created.UTC().Format(time.RFC3339))
	root.set("lockDurationStartTime", one.Lock.Created.UTC().Format(time.RFC3339))
	root.set("lockExpiresOn", one.Lock.Expires.UTC().Format(time.RFC3339))
	return root
}
