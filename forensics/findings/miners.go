package findings

import (
	"fmt"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/indicators/yara"
)

// minerNames are how miners and what brings them are called, in lower case: the whole name, or its beginning where a dash
// or a digit follows.
func minerNames() []string {
	return []string{
		"xmrig", "xmrigdaemon", "xmrigminer", "xmr-stak", "xmrstak", "minerd", "cpuminer", "cgminer", "bfgminer", "ccminer", "ethminer", "nbminer", "lolminer",
		"phoenixminer", "t-rex", "teamredminer", "srbminer", "nanominer", "gminer", "minergate", "nheqminer", "kinsing", "kdevtmpfsi",
		"kthreaddi", "kthreaddk", "sysrv", "watchbog", "pwnrig", "c3pool", "moneroocean",
	}
}

// minerTexts are what miners and their settings contain.
func minerTexts() []string {
	return []string{
		"stratum+tcp://", "stratum+ssl://", "stratum+tls://", "stratum2+tcp://", "stratum+udp://", "daemon+http://", "mining.subscribe", "mining.authorize",
		"\"donate-level\"", "--donate-level", "\"rig-id\"", "randomx_", "cryptonight", "xmrig.com", "donate.v2.xmrig", "\"algo\": \"rx/0\"", "--algo=rx/0",
	}
}

// minerPools are hosts of pools.
func minerPools() []string {
	return []string{
		"supportxmr.com", "minexmr.com", "nanopool.org", "moneroocean.stream", "hashvault.pro", "2miners.com", "nicehash.com", "f2pool.com", "herominers.com",
		"c3pool.org", "c3pool.com", "minergate.com", "xmrpool.eu", "unmineable.com", "zpool.ca", "kryptex.network", "monerohash.com", "crypto-pool.fr",
		"dwarfpool.com", "ethermine.org", "flypool.org", "antpool.com", "viabtc.com", "poolin.com", "xmr.pt", "gntl.uk", "skypool.org", "p2pool.io",
	}
}

// minerName gives the miner that a file is named like, or nothing.
func minerName(base string) string {
	base = strings.ToLower(strings.TrimLeft(base, "."))
	for _, name := range minerNames() {
		rest, ok := strings.CutPrefix(base, name)
		if ok && (rest == "" || strings.IndexByte("-_.0123456789", rest[0]) >= 0) {
			return name
		}
	}
	return ""
}

// minerRules makes one rule of the texts, so that a file's content is searched for all of them at once.
func minerRules() (*yara.Rules, error) {
	var b strings.Builder
	b.WriteString("rule miner {\n strings:\n")
	for i, text := range append(minerTexts(), minerPools()...) {
		fmt.Fprintf(&b, "  $s%d = %s ascii wide nocase\n", i, quoted(text))
	}
	b.WriteString(" condition: any of them\n}\n")
	rules, problems := yara.Compile(yara.Source{Name: "miners", Text: b.String()})
	if len(problems) > 0 {
		return nil, problems[0]
	}
	return rules, nil
}

func quoted(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

// minerText gives the text that a string of the rule stands for.
func minerText(id string) string {
	for i, text := range append(minerTexts(), minerPools()...) {
		if id == fmt.Sprintf("$s%d", i) {
			return text
		}
	}
	return id
}
