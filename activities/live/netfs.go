package live

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// socketScript prints the tables of the pod's network, and which process holds which socket.
const socketScript = shared + `for t in tcp tcp6 udp udp6; do
  printf 'table'; printf $t | f; $B head -c 1000000 net/$t 2>/dev/null | f; printf '\n'
done
n=0
for p in [0-9]*; do
  [ "$p" = "$$" ] && continue
  n=$((n+1)); [ $n -gt 1000 ] && break
  printf 'holder'; printf $p | f
  $B ls -l $p/fd 2>/dev/null | $B grep -o 'socket:\[[0-9]*\]' | $B head -n 200 | f
  printf '\n'
done
printf 'end\n'
`

// Socket is one line of the kernel's tables.
type Socket struct {
	Protocol  string `json:"protocol" doc:"tcp, tcp6, udp or udp6"`
	Local     string `json:"local" doc:"Address and port of this end"`
	Remote    string `json:"remote" doc:"Address and port of the other end; of one that listens, zeros"`
	State     string `json:"state" doc:"Such as established or listen"`
	UID       int    `json:"uid" doc:"Whose it is"`
	Inode     string `json:"inode" doc:"The kernel's number of it; 0 when no process holds it any more"`
	PID       int    `json:"pid,omitempty" doc:"A process that holds it, where one was found"`
	Container string `json:"container,omitempty" doc:"The container in whose process namespace that is"`
}

func (s Socket) id() string {
	return strings.Join([]string{s.Protocol, s.Local, s.Remote, s.Inode}, " ")
}

type socketList struct {
	Sockets []Socket `json:"sockets"`
}

// parseSockets reads what socketScript prints. The bytes may be an attacker's.
func parseSockets(text []byte) (socketList, error) {
	list, holders, ended := socketList{Sockets: []Socket{}}, map[string]int{}, false
	for line := range bytes.Lines(text) {
		word, fields := fieldsOf(line)
		switch {
		case word == "table" && len(fields) == 2:
			list.Sockets = append(list.Sockets, tableOf(fields[0], fields[1])...)
		case word == "holder" && len(fields) == 2:
			for _, m := range socketLink().FindAllStringSubmatch(fields[1], -1) {
				holders[m[1]] = number(fields[0])
			}
		case word == "end":
			ended = true
		case word != "self":
			return socketList{}, fmt.Errorf("%w: line %.80q", errTorn, line)
		}
	}
	if !ended {
		return socketList{}, fmt.Errorf("%w: the end is missing", errTorn)
	}
	for i, s := range list.Sockets {
		list.Sockets[i].PID = max(holders[s.Inode], 0)
	}
	return list, nil
}

func socketLink() *regexp.Regexp { return regexp.MustCompile(`socket:\[([0-9]+)\]`) }

// tableOf reads /proc/net/tcp and its like. A line that is cut off is left out.
func tableOf(protocol, text string) []Socket {
	var all []Socket
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 10 || !strings.HasSuffix(f[0], ":") {
			continue
		}
		local, err := endpoint(f[1])
		if err != nil {
			continue
		}
		remote, err := endpoint(f[2])
		if err != nil {
			continue
		}
		all = append(all, Socket{Protocol: plain(protocol), Local: local, Remote: remote, State: stateName(protocol, f[3]), UID: number(f[7]), Inode: plain(f[9])})
	}
	return all
}

// endpoint reads 0100007F:1F90: the address in words of four bytes, each in the order of a little-endian machine.
func endpoint(text string) (string, error) {
	address, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(address)
	if err != nil {
		return "", err
	}
	for i := 0; i+4 <= len(raw); i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.LittleEndian.Uint32(raw[i:]))
	}
	ip, ok := netip.AddrFromSlice(raw)
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil || !ok {
		return "", fmt.Errorf("%q is no address with a port", text)
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(n)).String(), nil
}

// stateName says the kernel's number in words. UDP knows two of them.
func stateName(protocol, state string) string {
	names := map[string]string{
		"01": "established", "02": "syn-sent", "03": "syn-received", "04": "fin-wait-1", "05": "fin-wait-2", "06": "time-wait",
		"07": "closed", "08": "close-wait", "09": "last-ack", "0A": "listen", "0B": "closing",
	}
	switch name := names[state]; {
	case strings.HasPrefix(protocol, "udp") && name == "closed":
		return "unconnected"
	case name != "":
		return name
	}
	return plain(state)
}
