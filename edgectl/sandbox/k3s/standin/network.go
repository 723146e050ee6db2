package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
)

// The pod network: a bridge on each node, routes between the nodes, one rule for what leaves. flannel does this
// in k3s; the names of the bridge (cni0) and of the configuration (10-flannel.conflist) are the same.
const cniTemplate = `{"cniVersion":"1.0.0","name":"cbr0","plugins":[
{"type":"bridge","bridge":"cni0","isDefaultGateway":true,"forceAddress":true,"hairpinMode":true,"ipMasq":false,
 "ipam":{"type":"host-local","dataDir":"/run/k3s/cni","ranges":[[{"subnet":%q}]]}},
{"type":"portmap","capabilities":{"portMappings":true}}]}
`

func (n *node) writeCNI(podCIDR string) {
	// Addresses are remembered in /run, so that none is lost for ever by a power cut.
	keep(n.path("agent/etc/cni/net.d/10-flannel.conflist"), []byte(fmt.Sprintf(cniTemplate, podCIDR)), 0o600)
}

func routeTo(podCIDR, via string) {
	if err := run("ip", "route", "replace", podCIDR, "via", via); err != nil {
		warnf("%v", err)
	}
}

func (n *node) masquerade() {
	rule := []string{"POSTROUTING", "-s", n.podNet, "!", "-d", n.podNet, "-m", "comment", "--comment", "k3s pods", "-j", "MASQUERADE"}
	if run("iptables", append([]string{"-w", "-t", "nat", "-C"}, rule...)...) == nil {
		return
	}
	if err := run("iptables", append([]string{"-w", "-t", "nat", "-A"}, rule...)...); err != nil {
		warnf("%v", err)
	}
}

func run(program string, args ...string) error {
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
