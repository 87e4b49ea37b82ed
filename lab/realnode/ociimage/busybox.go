package ociimage

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
)

// The references under which the lab's images are known on the node.
const (
	PauseName = "firebreak.lab/pause:1"
	WebName   = "docker.io/shop/web:1.4.2"
	ProbeName = "docker.io/library/busybox:stable" // what ephemeral containers run where nobody names another image
)

// FindBusybox gives the path of a statically linked busybox: the images hold no C library.
func FindBusybox() (string, error) {
	const advice = "install it with: apt-get install busybox-static"
	path, err := exec.LookPath("busybox")
	if err != nil {
		return "", fmt.Errorf("no busybox for the lab's container images; %s", advice)
	}
	file, err := elf.Open(path)
	if err != nil {
		return "", fmt.Errorf("read %q: %w; %s", path, err, advice)
	}
	defer func() { _ = file.Close() }()
	for _, program := range file.Progs {
		if program.Type == elf.PT_INTERP {
			return "", fmt.Errorf("%q is not statically linked; %s", path, advice)
		}
	}
	return path, nil
}

// Pause is the image of pod sandboxes: it waits, and reaps the orphans of a shared process namespace.
func Pause(busybox []byte) Image {
	const wait = `trap "exit 0" TERM INT; while :; do sleep 86400 & wait $!; done`
	return Image{Name: PauseName, Layers: []Layer{base(busybox)}, Command: []string{"/bin/sh", "-c", wait}}
}

// Web is the workload: a web server that writes an access log, with a shell and the tools that an intruder would use.
func Web(busybox []byte) Image {
	const serve = "httpd -f -vv -p 8080 -h /www 2>&1 | tee -a /var/log/web/access.log"
	site := Layer{
		dir("www", 0o755),
		file("www/index.html", "<h1>The shop is open</h1>\n"),
		dir("var/log/web", 0o755),
		file("var/log/web/access.log", "10.0.1.7 GET / 200\n10.0.1.9 GET /login 200\n10.0.1.9 POST /upload.php 200\n"),
		dir("var/spool/cron", 0o755),
		dir("var/spool/cron/crontabs", 0o700),
	}
	return Image{
		Name: WebName, Layers: []Layer{base(busybox), site},
		Command: []string{"/bin/sh", "-c", serve}, Env: []string{"PATH=/bin", "SHOP=web"}, Dir: "/www",
	}
}

// Probe is an image of nothing but the tools.
func Probe(busybox []byte) Image {
	return Image{Name: ProbeName, Layers: []Layer{base(busybox)}, Command: []string{"/bin/sh"}}
}

// ReadBusybox is FindBusybox and the program's bytes.
func ReadBusybox() ([]byte, error) {
	path, err := FindBusybox()
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func base(busybox []byte) Layer {
	layer := Layer{
		dir("bin", 0o755), {Path: "bin/busybox", Mode: 0o755, Body: busybox},
		dir("etc", 0o755), dir("root", 0o700), dir("tmp", 0o777|fs.ModeSticky),
		dir("var", 0o755), dir("var/log", 0o755), dir("var/spool", 0o755),
		file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
		file("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
	}
	for _, applet := range applets() {
		layer = append(layer, Entry{Path: "bin/" + applet, Link: "busybox"})
	}
	return layer
}

func applets() []string {
	return []string{
		"cat", "chmod", "cp", "crond", "date", "dd", "echo", "env", "grep", "head", "httpd", "id", "kill", "ls", "mkdir", "mv", "nc", "nohup",
		"ps", "rm", "sed", "setsid", "sh", "sha256sum", "sleep", "stat", "sync", "tail", "tee", "touch", "vi", "wc", "wget",
	}
}

func dir(path string, mode fs.FileMode) Entry { return Entry{Path: path, Mode: mode | fs.ModeDir} }
func file(path, body string) Entry            { return Entry{Path: path, Mode: 0o644, Body: []byte(body)} }
