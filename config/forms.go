package config

import (
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// form is what a value must look like, wherever it comes from.
type form struct {
	be   string // how a message ends that begins with "must be"
	fits func(string) bool
}

// word is a name that becomes part of task queues and labels.
func word() form {
	return form{
		be:   "up to 63 lower-case letters, digits, dots and hyphens",
		fits: regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`).MatchString,
	}
}

// listening is an address to listen on.
func listening() form {
	return form{be: "an address with a port, such as 127.0.0.1:8088 or :8443", fits: isListen}
}

// webPage is an address of a page.
func webPage() form {
	return form{be: "an address such as http://127.0.0.1:8233", fits: isWebPage}
}

// issuer is an address of OpenID Connect: https, but for one on this machine.
func issuer() form {
	return form{be: "an address such as https://login.example.com", fits: func(text string) bool {
		u, err := url.Parse(text)
		return err == nil && isWebPage(text) && (u.Scheme == "https" || isLoopback(u.Hostname()))
	}}
}

// claim is the name of a claim in a token.
func claim() form {
	return form{be: "the name of a claim", fits: func(text string) bool { return strings.TrimSpace(text) != "" }}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// image is a reference to a container image.
func image() form {
	return form{
		be:   "an image, such as registry.example.com/busybox@sha256:…",
		fits: regexp.MustCompile(`^[a-z0-9][A-Za-z0-9._:/@-]{0,254}$`).MatchString,
	}
}

// path is a file or a folder, there or not.
func path() form {
	return form{be: "a path", fits: func(text string) bool { return strings.TrimSpace(text) != "" }}
}

func isListen(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 0 && n <= 65535
}

func isWebPage(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}
