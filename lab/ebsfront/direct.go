package ebsfront

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"
)

// direct serves the EBS direct APIs.
func (f *Front) direct(w http.ResponseWriter, c *call) {
	parts := strings.Split(strings.Trim(c.request.URL.Path, "/"), "/")
	if c.request.Method != http.MethodGet || len(parts) < 3 || parts[0] != "snapshots" {
		f.proxy.ServeHTTP(w, c.request)
		return
	}
	c.resources = []string{parts[1]}
	switch {
	case len(parts) == 3 && parts[2] == "blocks":
		c.action = "ListSnapshotBlocks"
		f.answerDirect(w, c, nil, f.listBlocks)
	case len(parts) == 3 && parts[2] == "changedblocks":
		c.action = "ListChangedBlocks"
		f.answerDirect(w, c, nil, f.listChanged)
	case len(parts) == 4 && parts[2] == "blocks":
		c.action = "GetSnapshotBlock"
		index, err := strconv.ParseInt(parts[3], 10, 32)
		if err != nil {
			c.refuse(w, invalid("INVALID_BLOCK", "The block index is not a number"))
			return
		}
		block := int32(index)
		f.answerDirect(w, c, &block, f.getBlock)
	default:
		c.refuse(w, refusal{404, "ResourceNotFoundException", "", "No such operation"})
	}
}

// asked is a call of the direct APIs that passed the common checks.
type asked struct {
	*call
	one    snapshot
	block  *int32
	faults []Fault
}

type answerer func(http.ResponseWriter, asked) *refusal

func (f *Front) answerDirect(w http.ResponseWriter, c *call, block *int32, answer answerer) {
	shaping, done := f.strike(w, c, block)
	if done {
		return
	}
	one, no := f.readable(c.resources[0])
	if no == nil && block != nil {
		no = f.admit(c)
	}
	if no == nil {
		no = answer(w, asked{c, one, block, shaping})
	}
	if no != nil {
		c.refuse(w, *no)
	}
}

// readable gives a snapshot whose blocks may be read: one that is known and completed.
func (f *Front) readable(id string) (snapshot, *refusal) {
	one, ok := f.store.find(id)
	if !ok {
		return snapshot{}, &refusal{404, "ResourceNotFoundException", "SNAPSHOT_NOT_FOUND", "The snapshot '" + id + "' does not exist."}
	}
	if state, _ := one.state(f.clock()); state != "completed" {
		no := invalid("INVALID_SNAPSHOT_ID", "The snapshot '"+id+"' is "+state+", it has to be completed")
		return snapshot{}, &no
	}
	return one, nil
}

func invalid(reason, message string) refusal {
	return refusal{400, "ValidationException", reason, message}
}

func internal(err error) *refusal {
	return &refusal{500, "InternalServerException", "", err.Error()}
}

type blockRow struct {
	BlockIndex int32
	BlockToken string
}

type changedRow struct {
	BlockIndex       int32
	FirstBlockToken  string `json:",omitempty"`
	SecondBlockToken string `json:",omitempty"`
}

type listing struct {
	Blocks        []blockRow   `json:",omitempty"`
	ChangedBlocks []changedRow `json:",omitempty"`
	ExpiryTime    int64
	VolumeSize    int64
	BlockSize     int
	NextToken     string `json:",omitempty"`
}

func (f *Front) listBlocks(w http.ResponseWriter, a asked) *refusal {
	all, err := f.store.indexes(a.one)
	if err != nil {
		return internal(err)
	}
	page, next, no := f.page(a, all)
	if no != nil {
		return no
	}
	expires := f.clock().Add(tokenLife)
	out := listing{ExpiryTime: expires.Unix(), VolumeSize: a.one.GiB, BlockSize: BlockSize, NextToken: next}
	for _, index := range page {
		out.Blocks = append(out.Blocks, blockRow{index, f.tokens.sign("block", a.one.ID, index, expires)})
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// page cuts the asked page out of a listing, and gives the token of the next one.
func (f *Front) page(a asked, all []int32) (page []int32, next string, no *refusal) {
	query := a.request.URL.Query()
	start, err := number(query.Get("startingBlockIndex"), 0)
	size, err2 := number(query.Get("maxResults"), 10000)
	if err != nil || err2 != nil || size > 10000 {
		bad := invalid("INVALID_PARAMETER_VALUE", "startingBlockIndex or maxResults is out of range")
		return nil, "", &bad
	}
	if token := query.Get("pageToken"); token != "" {
		at, ok := f.tokens.open("page", a.one.ID, token, f.clock())
		if !ok {
			bad := invalid("INVALID_PAGE_TOKEN", "The page token is invalid or has expired")
			return nil, "", &bad
		}
		start = int(at)
	}
	from := sort.Search(len(all), func(i int) bool { return int(all[i]) >= start })
	to := min(from+max(size, 100), len(all))
	if to < len(all) {
		next = f.tokens.sign("page", a.one.ID, all[to], f.clock().Add(time.Hour))
	}
	return all[from:to], next, nil
}

func number(given string, otherwise int) (int, error) {
	if given == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(given, 10, 32)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return int(n), err
}

// getBlock answers with the block's bytes and their SHA-256.
func (f *Front) getBlock(w http.ResponseWriter, a asked) *refusal {
	index, ok := f.tokens.open("block", a.one.ID, a.request.URL.Query().Get("blockToken"), f.clock())
	if !ok || index != *a.block {
		no := invalid("INVALID_BLOCK_TOKEN", "The block token is invalid or has expired")
		return &no
	}
	data, err := f.store.block(a.one.ID, index)
	if err != nil {
		return internal(err)
	}
	sum := sha256.Sum256(data)
	if _, corrupt := shaped(a.faults, Corrupt); corrupt {
		data[0] ^= 0xff
	}
	h := w.Header()
	h.Set("X-Amz-Data-Length", strconv.Itoa(len(data)))
	h.Set("X-Amz-Checksum", base64.StdEncoding.EncodeToString(sum[:]))
	h.Set("X-Amz-Checksum-Algorithm", "SHA256")
	reply(w, http.StatusOK, "application/octet-stream", data)
	return nil
}
