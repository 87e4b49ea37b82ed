// Package all is the list of the activities that Firebreak ships: the order of the documentation, and nothing else.
package all

import (
	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/aws"
	"github.com/firebreak-ir/firebreak/activities/evidence"
	"github.com/firebreak-ir/firebreak/activities/forensics"
	"github.com/firebreak-ir/firebreak/activities/kube"
	"github.com/firebreak-ir/firebreak/activities/live"
	"github.com/firebreak-ir/firebreak/activities/notify"
	"github.com/firebreak-ir/firebreak/activities/report"
	"github.com/firebreak-ir/firebreak/activities/telemetry"
	"github.com/firebreak-ir/firebreak/activities/ticket"
	"github.com/firebreak-ir/firebreak/custody"
)

// Deps is what the activities work with. With its zero value they can be listed, checked and documented, not run.
type Deps struct {
	Cluster        kube.Cluster
	AWS            aws.Clients
	Store          evidence.Store
	History        evidence.History
	Tracker        ticket.Tracker
	Prometheus     telemetry.Prometheus
	Probe          live.Probe
	Notify         notify.Targets
	Sealing        custody.Sealing // what seals carry besides their manifests
	EBS            forensics.EBS
	DockerExplorer []string // command, one word an item
}

// List gives every activity, in the order of the response.
func List(d Deps) []activities.Definition {
	offline := forensics.Deps{Store: d.Store, EBS: d.EBS, DockerExplorer: d.DockerExplorer}
	return []activities.Definition{
		// identify: look, change nothing
		evidence.RecordAlert(d.Store),           // the alert as it arrived
		kube.IdentifyPod(d.Cluster),             // pod -> owner, node, images, volumes, who exposes it
		kube.IdentifyNode(d.Cluster),            // node -> instance, its pods
		aws.FindInstance(d.AWS),                 // node -> EC2 instance and its volumes
		telemetry.QueryPrometheus(d.Prometheus), // what the metrics say
		kube.DescribeTargets(d.Cluster),         // what guards look at before a change
		kube.FindIsolated(d.Cluster),            // what stands, for the sweep

		// coordinate: mark what is looked at
		kube.LabelNode(d.Cluster), // the case's label on the node
		kube.LabelPod(d.Cluster),  // and on the pod
		notify.Send(d.Notify),     // tell people, also run for approvals and holds

		// contain: every change can be undone
		kube.CordonNode(d.Cluster),      // nothing new is scheduled there
		kube.IsolatePod(d.Cluster),      // exactly one pod, ingress and egress
		kube.VerifyIsolation(d.Cluster), // what other policies still allow

		// preserve: the most volatile first
		live.CheckpointContainers(d.Cluster, d.Store), // memory, into an archive on the node
		live.Processes(d.Cluster, d.Store, d.Probe),   // what runs, by an ephemeral container
		live.Sockets(d.Cluster, d.Store, d.Probe),     // who talks to whom
		live.Logs(d.Cluster, d.Store),                 // every container, previous runs too
		aws.SnapshotVolumes(d.AWS),                    // all volumes at one moment

		// analyze: offline, without a mount
		forensics.AnalyzeSnapshot(offline), // the three below in one step
		forensics.ReadSnapshot(offline),    // snapshot -> image, every checksum verified
		forensics.ListContainers(offline),  // containerd's and Docker's, journal replayed
		forensics.DockerExplorer(offline),  // the same by another tool
		forensics.LastWrites(offline),      // what only the journal knows
		forensics.ScanIndicators(offline),  // hashes, paths, YARA
		forensics.ExtractFiles(offline),    // single files, each evidence of its own

		// resolve: what no undo brings back
		kube.DeletePod(d.Cluster), // needs evidence, or a waiver

		// improve: what is left behind
		ticket.Open(d.Tracker),                            // one ticket a finding
		report.Render(d.Store),                            // the case as one page
		evidence.ExportHistory(d.Store, d.History),        // what Temporal forgets
		evidence.Check(d.Store, aws.Kept{Clients: d.AWS}), // before a step that requires evidence
		evidence.Seal(d.Store, d.Sealing),                 // the manifest
		evidence.NoteUndo(d.Store),                        // run by `firebreak undo`
	}
}

// Catalog is List as a catalog.
func Catalog(d Deps) activities.Catalog { return activities.NewCatalog(List(d)...) }
