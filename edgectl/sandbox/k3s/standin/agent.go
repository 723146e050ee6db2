package main

import (
	"encoding/json"
	"io/fs"
	"strings"
)

// startRuntime brings up containerd and imports all of agent/images: no pod starts before that is done.
func (n *node) startRuntime() {
	client := n.startContainerd()
	n.images = &imageImporter{folder: n.path("agent/images"), client: client, seen: map[string]fs.FileInfo{}}
	n.images.importAll()
	go n.images.watch()
}

// startAgent brings up what every node has besides (pkg/agent/run.go): kubelet and kube-proxy.
func (n *node) startAgent() {
	n.writeKubeletDefaults()
	n.startKubelet()
	n.start("kube-proxy", append([]string{
		"--cluster-cidr=" + n.podNet, "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-close-wait=0s",
		"--conntrack-tcp-timeout-established=0s", "--healthz-bind-address=127.0.0.1", "--hostname-override=" + n.name,
		"--kubeconfig=" + n.path("agent/kubeproxy.kubeconfig"), "--proxy-mode=iptables",
	}, extraArgs(n.settings["kube-proxy-arg"])...)...)
}

// writeKubeletDefaults writes k3s's own defaults as the first drop-in of kubelet.conf.d, at every start; drop-ins
// of the user come after it and win (docs.k3s.io/advanced, "Configuring kubelet"; since v1.32).
func (n *node) writeKubeletDefaults() {
	file := func(name string) string { return n.path("agent", name) }
	doc := map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"address": "0.0.0.0",
		"authentication": map[string]any{
			"anonymous": map[string]any{"enabled": false},
			"webhook":   map[string]any{"enabled": true, "cacheTTL": "2m0s"},
			"x509":      map[string]any{"clientCAFile": file("client-ca.crt")},
		},
		"authorization": map[string]any{"mode": "Webhook"},
		"cgroupDriver":  cgroupDriver(), "clusterDNS": []string{n.dns}, "clusterDomain": n.domain,
		"containerRuntimeEndpoint": "unix://" + containerdSocket,
		"evictionHard":             map[string]string{"imagefs.available": "5%", "nodefs.available": "5%"},
		"evictionMinimumReclaim":   map[string]string{"imagefs.available": "10%", "nodefs.available": "10%"},
		"failSwapOn":               false, "healthzBindAddress": "127.0.0.1", "serializeImagePulls": false,
		"resolvConf":  n.resolvConf(),
		"tlsCertFile": file("serving-kubelet.crt"), "tlsPrivateKeyFile": file("serving-kubelet.key"),
	}
	data, err := json.MarshalIndent(doc, "", "  ") // JSON is YAML
	must(err)
	keep(n.path("agent/etc/kubelet.conf.d/00-k3s-defaults.conf"), append(data, '\n'), 0o600)
}

func (n *node) startKubelet() {
	labels := append([]string{"node.kubernetes.io/instance-type=k3s"}, n.settings.list("node-label")...)
	args := []string{
		"--config-dir=" + n.path("agent/etc/kubelet.conf.d"), "--hostname-override=" + n.name,
		"--kubeconfig=" + n.path("agent/kubelet.kubeconfig"), "--node-ip=" + n.ip, "--node-labels=" + strings.Join(labels, ","),
	}
	if taints := n.settings.list("node-taint"); len(taints) > 0 {
		args = append(args, "--register-with-taints="+strings.Join(taints, ",")) // at registration only
	}
	n.start("kubelet", append(args, extraArgs(n.settings["kubelet-arg"])...)...)
}
