package findings

import (
	"path"
	"strings"
)

// entryRules are of files that let somebody in or start something.
func entryRules() []Rule {
	return []Rule{
		{
			ID: "preload", Severity: Critical, Title: "A library was put before every program's own", Places: anywhere(),
			Why: "The dynamic linker loads what /etc/ld.so.preload names into every program: the classic user-mode rootkit.",
			match: func(l *look) (string, bool) {
				return yes(l.put() && l.is("/etc/ld.so.preload"))
			},
		},
		{
			ID: "linker", Severity: High, Title: "Where programs look for libraries was changed", Places: anywhere(),
			Why: "A directory of the intruder's before the system's own replaces any library.",
			match: func(l *look) (string, bool) {
				return yes(l.put() && (l.is("/etc/ld.so.conf") || l.under("/etc/ld.so.conf.d/", "/etc/ld-musl-")))
			},
		},
		{
			ID: "authorized-keys", Severity: High, Title: "Keys that may log in were written", Places: anywhere(),
			Why: "Whoever holds a key of an authorized_keys file logs in without a password.",
			match: func(l *look) (string, bool) {
				return yes(l.put() && strings.HasPrefix(l.base(), "authorized_keys"))
			},
		},
		{
			ID: "accounts", Severity: High, Title: "A file that decides who may log in was written", Places: anywhere(),
			Why: "Accounts, passwords, sudo, PAM and the SSH server's settings.",
			match: func(l *look) (string, bool) {
				return yes(l.put() && !mountPoint(l) && (l.is("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/sudoers", "/etc/passwd-", "/etc/shadow-") ||
					l.under("/etc/sudoers.d/", "/etc/pam.d/", "/etc/ssh/sshd_config", "/etc/security/")))
			},
		},
		{
			ID: "cron", Severity: High, Title: "A job that runs by the clock was written", Places: anywhere(),
			Why:   "cron, at, and timers of systemd start an intruder's program again after it was stopped.",
			match: func(l *look) (string, bool) { return yes(l.put() && cron(l)) },
		},
		{
			ID: "systemd", Severity: High, Title: "A service of systemd was written", Places: anywhere(),
			Why:   "A unit starts its program at every boot of the node, as root.",
			match: func(l *look) (string, bool) { return yes(l.put() && unit(l)) },
		},
		{
			ID: "login-script", Severity: High, Title: "A script that runs at start or at login was written", Places: anywhere(),
			Why: "Profiles, rc.local and init scripts run with the rights of whoever logs in, or of root.",
			match: func(l *look) (string, bool) {
				names := []string{".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zprofile", ".bash_logout"}
				return yes(l.put() && (l.under("/etc/profile.d/", "/etc/init.d/", "/etc/rc.d/", "/etc/rc.local", "/etc/update-motd.d/", "/etc/cloud/") ||
					l.is("/etc/profile", "/etc/environment", "/etc/bash.bashrc", "/etc/zsh/zshrc") || oneOf(l.base(), names)))
			},
		},
		{
			ID: "kernel-module", Severity: Critical, Title: "A kernel module, or what loads one, was written", Places: anywhere(),
			Why: "A module has all rights on the node and can hide anything from it; the disk read from outside it cannot.",
			match: func(l *look) (string, bool) {
				return yes(l.put() && (module(l.base()) || l.under("/etc/modules-load.d/", "/etc/modprobe.d/") || l.is("/etc/modules")))
			},
		},
	}
}

func cron(l *look) bool {
	return l.under("/etc/crontab", "/var/spool/cron/", "/spool/cron/", "/var/spool/at/", "/var/spool/atjobs/", "/etc/anacrontab", "/var/spool/anacron/") ||
		strings.HasPrefix(l.Path, "/etc/cron.") || strings.HasPrefix(path.Dir(l.Path)+"/", "/etc/systemd/system/") && strings.HasSuffix(l.Path, ".timer")
}

func unit(l *look) bool {
	endings := []string{".service", ".socket", ".path", ".mount", ".target", ".conf", ".slice"}
	return l.under("/etc/systemd/", "/usr/lib/systemd/", "/lib/systemd/", "/usr/local/lib/systemd/", "/run/systemd/") && oneOf(path.Ext(l.Path), endings) ||
		strings.Contains(l.Path, "/.config/systemd/user/")
}

func module(base string) bool {
	for _, packed := range []string{"", ".xz", ".zst", ".gz"} {
		if strings.HasSuffix(base, ".ko"+packed) {
			return true
		}
	}
	return false
}

func oneOf(s string, all []string) bool {
	for _, one := range all {
		if s == one {
			return true
		}
	}
	return false
}
