package main

import (
	"net"
	"os"
	"strings"
)

// resolvConf names the file from which pods get the node's resolvers, chosen at start as k3s does it
// (pkg/agent/config/config.go): one that names a resolver which a pod can reach, else one of k3s's own. Without it a
// node whose cable is out, and whose resolvers came by DHCP, could start no pod that needs them.
func (n *node) resolvConf() string {
	if asked := n.settings.text("resolv-conf", ""); asked != "" {
		return asked
	}
	for _, path := range []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"} {
		if data, err := os.ReadFile(path); err == nil && usable(string(data)) {
			return path
		}
	}
	own := n.path("agent/etc/resolv.conf")
	keep(own, []byte("nameserver 8.8.8.8\n"), 0o644)
	warnf("no resolver of this node can be reached by pods: they get the one of %s", own)
	return own
}

func usable(text string) bool {
	found := false
	for _, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "nameserver" || !strings.HasPrefix(line, "nameserver") {
			continue
		}
		if ip := net.ParseIP(words[1]); ip == nil || !ip.IsGlobalUnicast() {
			return false
		}
		found = true
	}
	return found
}
