package findings

import "slices"

// Rules are all rules, in the order in which their findings are listed: programs, places where something is started or
// somebody let in, the node, what is hidden, and last what is new at all.
func Rules() []Rule {
	return slices.Concat(programRules(), entryRules(), nodeRules(), hidingRules(), otherRules())
}

func anywhere() []Place { return []Place{Container, Orphan, EmptyDir, HostPath, Node} }
func layers() []Place   { return []Place{Container, Orphan} }
func host() []Place     { return []Place{Node, HostPath} }

func programRules() []Rule {
	return []Rule{
		{
			ID: "miner", Severity: Critical, Title: "Software that mines cryptocurrency was written", Places: anywhere(),
			Why: "Its name is a known miner's, or its content names a mining pool's protocol, a known pool or a miner's own settings.",
			match: func(l *look) (string, bool) {
				if name := minerName(l.base()); name != "" && l.put() {
					return "its name is that of " + name, true
				}
				if len(l.miners) > 0 {
					return "its content has " + l.miners[0], true
				}
				return "", false
			},
		},
		{
			ID: "setuid", Severity: Critical, Title: "A program was given its owner's rights", Places: anywhere(), Group: "program",
			Why: "A setuid or setgid program hands rights to whoever starts it. The bit is new: a program of the image that had it does not count.",
			match: func(l *look) (string, bool) {
				return yes(l.New != nil && l.New.Type == "file" && l.gained()&0o6000 != 0 && l.program())
			},
		},
		{
			ID: "capability", Severity: Critical, Title: "A program was given capabilities", Places: anywhere(), Group: "program",
			Why: "The attribute security.capability hands some of root's rights to whoever starts the program.",
			match: func(l *look) (string, bool) {
				gained := l.New != nil && l.New.Capability != "" && (l.Old == nil || l.Old.Capability != l.New.Capability)
				return yes(gained)
			},
		},
		{
			ID: "elf", Severity: High, Title: "A program was written", Places: []Place{Container, Orphan, HostPath, Node}, Group: "program",
			Why:   "Containers bring their programs in the image. An ELF file in the writable layer, or new on the node, was put there at run time.",
			match: func(l *look) (string, bool) { return yes(l.written() && l.elf()) },
		},
		{
			ID: "emptydir-program", Severity: High, Title: "A program was written into a pod's scratch directory", Places: []Place{EmptyDir}, Group: "program",
			Why: "An emptyDir outlives its containers and is no part of any image, so it is where a read-only container's intruder keeps tools.",
			match: func(l *look) (string, bool) {
				return yes(l.written() && (l.elf() || l.script() && bits(l.New)&0o111 != 0))
			},
		},
		{
			ID: "script", Severity: Medium, Title: "A script or an executable file was written", Places: anywhere(), Group: "program",
			Why:   "As for a program; scripts are more often an application's own.",
			match: func(l *look) (string, bool) { return yes(l.written() && l.program()) },
		},
		{
			ID: "made-executable", Severity: Medium, Title: "A file was made executable", Places: anywhere(), Group: "program",
			Why: "The content is the image's, the mode is not.",
			match: func(l *look) (string, bool) {
				return yes(l.New != nil && l.New.Type == "file" && l.Old != nil && l.gained()&0o111 != 0)
			},
		},
	}
}

func otherRules() []Rule {
	return []Rule{
		{
			ID: "file-written", Severity: Low, Title: "A file was written", Places: layers(), Last: true,
			Why:   "Many containers write files; in one that should not, each is a trace. The empty files that runtimes make to mount over do not count.",
			match: func(l *look) (string, bool) { return yes(l.written() && !mountPoint(l)) },
		},
		{
			ID: "mode-changed", Severity: Low, Title: "A file's owner, mode or attributes were changed", Places: layers(), Last: true,
			Why: "The content is the image's.",
			match: func(l *look) (string, bool) {
				return yes(l.Verdict == "mode" && !slices.Equal(l.Differs, []string{"time"}) && l.Path != "/")
			},
		},
		{
			ID: "file-deleted", Severity: Low, Title: "A file of the image was deleted", Places: layers(), Last: true,
			Why:   "What an intruder removes is often what would have told of him.",
			match: func(l *look) (string, bool) { return yes(l.gone() && (l.By == l.Path || l.whiteout())) },
		},
	}
}

// mountPoint tells the empty files that a runtime makes in every container's layer, to mount the pod's own over them.
func mountPoint(l *look) bool {
	return l.New.Size == 0 && l.is("/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/dev/termination-log", "/etc/mtab", "/.dockerenv", "/dev/console")
}
