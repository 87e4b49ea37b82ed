package lab

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/firebreak-ir/firebreak/lab/build"
	"github.com/firebreak-ir/firebreak/lab/prometheus"
	"github.com/firebreak-ir/firebreak/lab/python"
	"github.com/firebreak-ir/firebreak/lab/realnode"
)

// prepare installs and builds what is missing.
func (s *starting) prepare(ctx context.Context) error {
	s.keepRealNode(func() error { return realnode.Able(ctx) })
	builder, servers := s.builder(), s.servers()
	missing, err := builder.Missing(ctx, servers)
	if err != nil {
		return err
	}
	if err := s.install(ctx, len(missing) > 0); err != nil {
		return err
	}
	if err := s.checkPython(ctx); err != nil { // now, not after the long build
		return err
	}
	if err := s.build(ctx, builder, servers, missing); err != nil {
		return err
	}
	if s.python, err = python.Ensure(ctx, s.Cache, s.Out); err != nil {
		return err
	}
	if s.metrics, err = prometheus.Ensure(ctx, s.Cache, s.Out); err != nil {
		s.metrics = ""
		s.leaveOut("Prometheus: " + err.Error())
	}
	s.d.Tools = Tools{Python: s.python.Python(), DockerExplorer: s.python.DockerExplorer()}
	s.keepRealNode(func() error { return realnode.Possible(ctx, s.binaries.Dir) })
	return nil
}

func (l Lab) builder() build.Builder {
	return build.Builder{
		Source: l.Tree.Servers(), Cache: l.Cache, Assets: os.Getenv("KUBEBUILDER_ASSETS"), Out: l.Out, Live: l.Live, Now: l.Now,
	}
}

func (s *starting) servers() []build.Server {
	if s.RealNode {
		return build.Servers()
	}
	return build.ControlPlane()
}

func (s *starting) install(ctx context.Context, builds bool) error {
	packages := debianPackages(ctx, s.Cache, s.RealNode, builds)
	if !s.Install && len(packages) > 0 {
		return fmt.Errorf("this machine lacks what some Debian packages hold; install them with: apt-get install %s", strings.Join(packages, " "))
	}
	return installPackages(ctx, packages, s.Out)
}

// checkPython says whether the Python programs are there, or can be installed.
func (s *starting) checkPython(ctx context.Context) error {
	if _, made := python.Find(s.Cache); made {
		return nil
	}
	return python.Possible(ctx)
}

func (s *starting) build(ctx context.Context, builder build.Builder, servers []build.Server, missing []string) error {
	if len(missing) > 0 {
		fmt.Fprintf(s.Out, "building %d server programs, once for these versions (10 to 15 minutes on two cores): %s\n", len(missing), strings.Join(missing, " "))
	}
	result, err := builder.Ensure(ctx, servers)
	if err != nil {
		return err
	}
	s.binaries = result.Binaries
	fmt.Fprintf(s.Out, "server programs are in %s, %d of them built now\n", result.Binaries.Dir, len(result.Built))
	return nil
}

// keepRealNode leaves the real node out, with the reason, where the machine cannot run one.
func (s *starting) keepRealNode(possible func() error) {
	if !s.RealNode {
		return
	}
	if err := possible(); err != nil {
		s.leaveOut("the real node: " + err.Error())
		s.RealNode = false
	}
}

func (s *starting) leaveOut(what string) {
	fmt.Fprintln(s.Out, "left out: "+what)
	s.d.LeftOut = append(s.d.LeftOut, what)
}
