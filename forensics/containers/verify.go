package containers

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// VerifyOptions bound a verification. The zero value is a sensible choice for every field.
type VerifyOptions struct {
	MaxLayerBytes int64           // of one layer, unpacked; 16 GiB
	MaxEntries    int             // of one layer; a million
	Only          map[string]bool // directories of layers to verify, as Container.Layers has them; nil: all
}

func (o VerifyOptions) withDefaults() VerifyOptions {
	if o.MaxLayerBytes <= 0 {
		o.MaxLayerBytes = 16 << 30
	}
	if o.MaxEntries <= 0 {
		o.MaxEntries = 1_000_000
	}
	return o
}

// What came of a check.
const (
	Intact     = "intact"     // equal in everything that an image says of a file, but for its times
	Tampered   = "tampered"   // what is on the disk is not what the image's digests say
	Unverified = "unverified" // the disk does not hold what it would be compared with
)

// Check is one comparison of what is on the disk with an image's digests. The digests themselves stand in the same store:
// who changed all of it, from the layer up to the name of the image, leaves no trace here.
type Check struct {
	Image       string       `json:"image"` // a name of it
	Namespace   string       `json:"namespace,omitempty"`
	Kind        string       `json:"kind"`             // manifest, config or layer
	Digest      string       `json:"digest"`           // of the blob
	DiffID      string       `json:"diffID,omitempty"` // of a layer: digest of the archive, unpacked
	Layer       string       `json:"layer,omitempty"`  // on the disk: where it is unpacked
	State       string       `json:"state"`
	Why         string       `json:"why,omitempty"` // it was not verified
	Entries     int          `json:"entries,omitempty"`
	Differences []Difference `json:"differences,omitempty"` // the first thousand
	Count       int          `json:"count,omitempty"`       // of differences
}

// Difference is one thing in which the disk differs from the image.
type Difference struct {
	Path  string `json:"path"`            // in the layer, or of the blob on the disk
	What  string `json:"what"`            // added, missing or changed
	Field string `json:"field,omitempty"` // of a changed one: type, mode, uid, gid, size, link, device, sha256, opaque or an attribute
	Want  string `json:"want,omitempty"`  // as the image says
	Got   string `json:"got,omitempty"`   // as the disk says
}

const maxDifferences = 1000

func (c *Check) differ(d Difference) {
	d.Path, d.Want, d.Got = clip(d.Path), clip(d.Want), clip(d.Got)
	c.State = Tampered
	if c.Count++; len(c.Differences) < maxDifferences {
		c.Differences = append(c.Differences, d)
	}
}

func (c *Check) unverified(format string, args ...any) {
	if c.State != Tampered {
		c.State = Unverified
	}
	c.Why = clip(fmt.Sprintf(format, args...))
}

// Verify compares the layers of the images in the disk's stores with the images. Of containerd: each blob with the digest
// that it is named for, what it unpacks to with the digest in the image's configuration, and the files of the layer's
// directory with the archive's. Of Docker, which keeps no archives: the archive put together again from the layer's files
// and what Docker noted of the rest of it. scratch is an empty directory on this machine. Problems are what could not be read of the stores.
func Verify(ctx context.Context, disk Disk, scratch string, opts VerifyOptions) (checks []Check, problems []string, err error) {
	l := &lister{ctx: ctx, disk: disk, scratch: scratch, snapshots: snapshots{}}
	if err := l.findRoots(); err != nil {
		return nil, nil, err
	}
	for i, root := range l.out.Roots {
		v := &verifier{lister: l, root: root, opts: opts.withDefaults(), checked: map[string]bool{}}
		if root.Kind == Docker {
			v.dockerImages()
		} else {
			v.readImages(i)
		}
		for _, image := range v.images {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			if root.Kind == Docker {
				v.dockerImage(image)
			} else {
				v.manifest(image, image.digest, 0)
			}
		}
		checks = append(checks, v.checks...)
	}
	return checks, l.out.Problems, ctx.Err()
}

// verifier verifies the images of one store.
type verifier struct {
	*lister
	root    Root
	opts    VerifyOptions
	images  []storedImage
	checked map[string]bool // blobs of manifests and configurations, and pairs of blob and layer
	checks  []Check
}

type storedImage struct{ namespace, name, digest string }

const maxImages = 10_000

func (v *verifier) readImages(number int) {
	s := &store{root: v.root, meta: path.Join(v.root.Path, metaDir, "meta.db"), number: number, images: map[string]string{}}
	v.readSnapshots(s)
	err := v.database(s.meta, fmt.Sprintf("meta-%d.db", number), func(tx *bolt.Tx) error {
		return eachBucket(tx.Bucket([]byte("v1")), func(ns string, b *bolt.Bucket) error { return v.namespace(s, ns, b) })
	}, nil)
	if err != nil {
		v.problem(s.meta, err)
	}
	for _, key := range sortedKeys(s.images) {
		ns, name, _ := strings.Cut(key, "\x00")
		if len(v.images) == maxImages {
			v.problem(s.meta, fmt.Errorf("more than %d images; not all were verified", maxImages))
			break
		}
		v.images = append(v.images, storedImage{ns, name, s.images[key]})
	}
	v.byName()
}

// byName puts the names first that people give: one image has several.
func (v *verifier) byName() {
	slices.SortStableFunc(v.images, func(a, b storedImage) int {
		return cmp.Compare(byDigest(a.name), byDigest(b.name))
	})
}

// byDigest tells names that are digests from others.
func byDigest(name string) int {
	if strings.HasPrefix(name, "sha256:") {
		return 1
	}
	return 0
}
