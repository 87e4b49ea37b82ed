package timeline

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"time"
)

const maxZone = 1 << 20 // bytes of a file of time zones

// findZone takes the zone of logs that name none from the disk itself: /etc/localtime holds its rules.
func (l *logReader) findZone() {
	if l.Zone != nil {
		l.report.Zone = l.Zone.String() + ", as given"
		return
	}
	zone, err := l.diskZone()
	if err == nil {
		l.Zone, l.report.Zone = zone, zone.String()+", the disk's /etc/localtime"
		return
	}
	if !errors.Is(err, fs.ErrNotExist) {
		l.problem("etc/localtime", err)
	}
	l.Zone, l.report.Zone = time.UTC, "UTC, assumed: the disk says none"
}

func (l *logReader) diskZone() (*time.Location, error) {
	const name = "etc/localtime"
	info, err := l.disk.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxZone {
		return nil, errors.New("it is not the small file that belongs here")
	}
	f, err := l.disk.OpenFound(info)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(f, maxZone))
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData(l.zoneName(name), raw)
}

// zoneName gives what the link to the rules is called.
func (l *logReader) zoneName(link string) string {
	target, err := l.disk.ReadLink(link)
	if _, name, ok := strings.Cut(target, "zoneinfo/"); err == nil && ok && len(name) < 64 {
		return name
	}
	return "local"
}
