package main

import (
	"bytes"
	"embed"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	kversion "k8s.io/component-base/version"
)

//go:embed all:embedded
var embedded embed.FS // embedded/bin: shim, runc, CNI plugins; embedded/manifests: what k3s ships

type child struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// start runs this same program as a component. When a component ends, k3s ends, and systemd starts it again.
func (n *node) start(name string, args ...string) {
	exe, err := os.Executable()
	must(err)
	// Pdeathsig: components may not outlive k3s, however it ends. Containers do: their shims are not ours.
	output := n.outputOf(name)
	c := &child{done: make(chan struct{}), cmd: &exec.Cmd{
		Path: exe, Args: append([]string{name}, args...), Stdout: output, Stderr: output,
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM},
	}}
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "NOTIFY_SOCKET=") && !strings.HasPrefix(pair, "PATH=") {
			c.cmd.Env = append(c.cmd.Env, pair)
		}
	}
	c.cmd.Env = append(c.cmd.Env, "PATH="+n.path("data/current/bin")+":"+os.Getenv("PATH"))
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // Pdeathsig means the death of the thread that started it
		err := c.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		err = c.cmd.Wait()
		close(c.done)
		n.mu.Lock()
		stopping := n.stopping
		n.mu.Unlock()
		if !stopping {
			logLine("error", "%s exited: %v", name, err)
			n.stop(1)
		}
	}()
	must(<-started)
	logf("Running %s %s", name, strings.Join(args, " "))
	n.mu.Lock()
	n.children = append(n.children, c)
	n.mu.Unlock()
}

// outputOf: containerd writes to a file of its own (pkg/agent/containerd/containerd.go); the others to k3s's log.
func (n *node) outputOf(name string) *os.File {
	if name != "containerd" {
		return os.Stderr
	}
	const limit = 50 << 20
	path := n.path("agent/containerd/containerd.log")
	if info, err := os.Stat(path); err == nil && info.Size() > limit {
		os.Rename(path, path+".1")
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	must(err)
	return file
}

// stop ends the components, last started first, and then this process. Containers go on (KillMode=process).
func (n *node) stop(code int) {
	n.mu.Lock()
	if n.stopping {
		n.mu.Unlock()
		select {}
	}
	n.stopping = true
	children := n.children
	n.mu.Unlock()
	for i := len(children) - 1; i >= 0; i-- {
		children[i].cmd.Process.Signal(syscall.SIGTERM)
	}
	limit := time.After(5 * time.Second)
	for _, c := range children {
		select {
		case <-c.done:
		case <-limit:
			for _, late := range children {
				late.cmd.Process.Kill()
			}
			os.Exit(code)
		}
	}
	os.Exit(code)
}

// unpackHelpers unpacks what this program carries to data/<version>/bin, with data/current pointing there, as
// k3s does (cmd/k3s/main.go, extract).
func (n *node) unpackHelpers() {
	dir := n.path("data", strings.ReplaceAll(kversion.Get().GitVersion, "+", "-")+"-"+commit)
	must(os.MkdirAll(filepath.Join(dir, "bin"), 0o755))
	entries, err := fs.ReadDir(embedded, "embedded/bin")
	must(err)
	for _, entry := range entries {
		data, err := embedded.ReadFile("embedded/bin/" + entry.Name())
		must(err)
		path := filepath.Join(dir, "bin", entry.Name())
		if old, err := os.ReadFile(path); err != nil || !bytes.Equal(old, data) {
			write(path, data, 0o755)
		}
	}
	link(dir, n.path("data/current"))
}
