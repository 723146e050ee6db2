package main

import "strings"

// The flags that k3s knows (pkg/cli/cmds/{root,log,agent,server}.go). A star after a name: it takes a list.
// An exclamation mark: it is a switch. A name that this stand-in acts upon is in acted; the others are
// accepted and said to do nothing here.
const (
	nodeFlags = `config debug! v vmodule log alsologtostderr! data-dir token token-file server
		node-name with-node-id! node-label* node-taint* node-ip* node-external-ip* node-internal-dns* node-external-dns*
		image-credential-provider-bin-dir image-credential-provider-config docker! container-runtime-endpoint
		image-service-endpoint default-runtime disable-default-registry-endpoint! nonroot-devices! pause-image snapshotter
		private-registry system-default-registry airgap-extra-registry* resolv-conf flannel-iface flannel-conf
		flannel-cni-conf vpn-auth vpn-auth-file kubelet-arg* kube-proxy-arg* protect-kernel-defaults! enable-pprof!
		rootless! prefer-bundled-bin! selinux! lb-server-port bind-address`
	agentFlags  = `disable-apiserver-lb!`
	serverFlags = `https-listen-port supervisor-port apiserver-port apiserver-bind-address advertise-address advertise-port
		tls-san* tls-san-security! cluster-cidr* service-cidr* service-node-port-range cluster-dns* cluster-domain
		flannel-backend flannel-ipv6-masq! flannel-external-ip! egress-selector-mode servicelb-namespace
		write-kubeconfig write-kubeconfig-mode write-kubeconfig-group helm-job-image agent-token agent-token-file
		cluster-init! cluster-reset! cluster-reset-restore-path kube-apiserver-arg* etcd-arg* kube-controller-manager-arg*
		kube-scheduler-arg* kube-cloud-controller-manager-arg* datastore-endpoint datastore-cafile datastore-certfile
		datastore-keyfile kine-tls! etcd-expose-metrics! etcd-disable-snapshots! etcd-snapshot-name
		etcd-snapshot-schedule-cron etcd-snapshot-reconcile-interval etcd-snapshot-retention etcd-snapshot-dir
		etcd-snapshot-compress! etcd-s3! etcd-s3-endpoint etcd-s3-endpoint-ca etcd-s3-skip-ssl-verify! etcd-s3-access-key
		etcd-s3-secret-key etcd-s3-session-token etcd-s3-bucket etcd-s3-bucket-lookup-type etcd-s3-region etcd-s3-folder
		etcd-s3-proxy etcd-s3-config-secret etcd-s3-insecure! etcd-s3-timeout etcd-s3-retention default-local-storage-path
		disable* disable-scheduler! disable-cloud-controller! disable-kube-proxy! disable-network-policy!
		disable-helm-controller! disable-apiserver! disable-controller-manager! disable-etcd! embedded-registry!
		supervisor-metrics! secrets-encryption! secrets-encryption-provider multi-cluster-cidr!`
	acted = `config data-dir token token-file server node-name node-label node-taint node-ip default-runtime
		disable-default-registry-endpoint pause-image private-registry resolv-conf kubelet-arg kube-proxy-arg
		tls-san cluster-cidr service-cidr service-node-port-range cluster-dns cluster-domain write-kubeconfig
		write-kubeconfig-mode disable kube-apiserver-arg kube-controller-manager-arg kube-scheduler-arg debug v log
		flannel-backend disable-network-policy disable-cloud-controller disable-helm-controller` // the last four: never there
)

// Short names (the aliases in pkg/cli/cmds).
var aliases = map[string]string{"c": "config", "d": "data-dir", "t": "token", "s": "server", "o": "write-kubeconfig", "l": "log"}

// Environment variables that k3s's flags also read; a flag or the configuration file goes before them.
var environment = map[string]string{
	"K3S_TOKEN": "token", "K3S_TOKEN_FILE": "token-file", "K3S_URL": "server", "K3S_NODE_NAME": "node-name",
	"K3S_KUBECONFIG_MODE": "write-kubeconfig-mode", "K3S_KUBECONFIG_OUTPUT": "write-kubeconfig", "K3S_DATA_DIR": "data-dir",
	"K3S_RESOLV_CONF": "resolv-conf",
}

type flagKind struct{ list, toggle bool }

// flagsOf returns the flags of `server` or `agent`.
func flagsOf(role string) map[string]flagKind {
	text := nodeFlags + " " + serverFlags
	if role == "agent" {
		text = nodeFlags + " " + agentFlags
	}
	out := map[string]flagKind{}
	for _, word := range strings.Fields(text) {
		out[strings.TrimRight(word, "*!")] = flagKind{list: strings.HasSuffix(word, "*"), toggle: strings.HasSuffix(word, "!")}
	}
	return out
}

func actedUpon(name string) bool {
	for _, word := range strings.Fields(acted) {
		if word == name {
			return true
		}
	}
	return false
}
