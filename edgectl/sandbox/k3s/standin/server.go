package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/k3s-io/kine/pkg/endpoint"
)

const apiPort = "6443"

// startServer brings up the control plane with k3s's file layout (pkg/daemons/config/types.go, ControlRuntime):
// server/tls, server/cred, server/db, server/token, and the kubeconfig for people.
func (n *node) startServer() {
	tlsDir := n.path("server/tls")
	for _, folder := range []string{"server", "server/db", "server/manifests", "server/tls", "server/cred"} {
		must(os.MkdirAll(n.path(folder), 0o700))
	}
	serverCA, clientCA := loadAuthority(tlsDir, "server-ca"), loadAuthority(tlsDir, "client-ca")
	frontCA := loadAuthority(tlsDir, "request-header-ca")
	password := n.serverToken(serverCA)
	n.apiURL = "https://127.0.0.1:" + apiPort
	mode, err := strconv.ParseUint(n.settings.text("write-kubeconfig-mode", "600"), 8, 32)
	if err != nil {
		fatal("Error: write-kubeconfig-mode: %v", err)
	}

	sans := append([]string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + n.domain,
		"localhost", n.name, "127.0.0.1", n.ip, firstAddress(n.serviceNet),
	}, n.settings.list("tls-san")...)
	serverCA.leaf(tlsDir, "serving-kube-apiserver", "kube-apiserver", nil, sans)
	admin := clientCA.leaf(tlsDir, "client-admin", "system:admin", []string{"system:masters"}, nil)
	clientCA.leaf(tlsDir, "client-kube-apiserver", "system:apiserver", []string{"system:masters"}, nil)
	frontCA.leaf(tlsDir, "client-auth-proxy", "system:auth-proxy", nil, nil)
	credentials := map[string]pair{
		"admin":      admin,
		"supervisor": clientCA.leaf(tlsDir, "client-supervisor", "system:k3s-supervisor", []string{"system:masters"}, nil),
		"controller": clientCA.leaf(tlsDir, "client-controller", "system:kube-controller-manager", nil, nil),
		"scheduler":  clientCA.leaf(tlsDir, "client-scheduler", "system:kube-scheduler", nil, nil),
	}
	for name, p := range credentials {
		keep(n.path("server/cred", name+".kubeconfig"), kubeconfig(n.apiURL, serverCA.pem, p), 0o600)
	}
	serviceKey(filepath.Join(tlsDir, "service.key"))
	n.writeAgentFiles(n.agentFiles(serverCA, clientCA, n.name, n.ip, n.apiURL))

	socket := n.startDatastore()
	n.startAPIServer(tlsDir, socket)
	wait("kube-apiserver is ready", 5*time.Minute, func() error { return n.api("GET", "/readyz", nil, nil) })
	keep(n.settings.text("write-kubeconfig", "/etc/rancher/k3s/k3s.yaml"), kubeconfig(n.apiURL, serverCA.pem, admin), os.FileMode(mode))
	n.startControllers(tlsDir)
	go n.serveJoins(serverCA, clientCA, password)
}

// startDatastore runs kine over sqlite in this process, with k3s's settings (server/db/state.db).
func (n *node) startDatastore() string {
	socket := "unix://" + n.path("server/kine.sock")
	_, err := endpoint.Listen(context.Background(), endpoint.Config{
		Listener: socket, EmulatedETCDVersion: "3.5.13", NotifyInterval: 5 * time.Second,
		CompactInterval: 5 * time.Minute, CompactTimeout: 5 * time.Second, CompactMinRetain: 1000,
		CompactBatchSize: 1000, PollBatchSize: 500,
		Endpoint: "sqlite://" + n.path("server/db/state.db") + "?_journal=WAL&cache=shared&_busy_timeout=30000&_txlock=immediate",
	})
	must(err)
	return socket
}

// startAPIServer: flags as k3s sets them (pkg/daemons/control/server.go, apiServer); anonymous requests are
// refused, so that even /readyz needs a client certificate.
func (n *node) startAPIServer(tlsDir, datastore string) {
	file := func(name string) string { return filepath.Join(tlsDir, name) }
	n.start("kube-apiserver", append([]string{
		"--advertise-address=" + n.ip, "--allow-privileged=true", "--anonymous-auth=false", "--authorization-mode=Node,RBAC",
		"--api-audiences=https://kubernetes.default.svc." + n.domain + ",k3s", "--bind-address=0.0.0.0", "--secure-port=" + apiPort,
		"--client-ca-file=" + file("client-ca.crt"), "--enable-admission-plugins=NodeRestriction", "--etcd-servers=" + datastore,
		"--kubelet-certificate-authority=" + file("server-ca.crt"), "--kubelet-client-certificate=" + file("client-kube-apiserver.crt"),
		"--kubelet-client-key=" + file("client-kube-apiserver.key"), "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
		"--profiling=false", "--proxy-client-cert-file=" + file("client-auth-proxy.crt"), "--proxy-client-key-file=" + file("client-auth-proxy.key"),
		"--requestheader-allowed-names=system:auth-proxy", "--requestheader-client-ca-file=" + file("request-header-ca.crt"),
		"--requestheader-extra-headers-prefix=X-Remote-Extra-", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User", "--service-account-issuer=https://kubernetes.default.svc." + n.domain,
		"--service-account-key-file=" + file("service.key"), "--service-account-signing-key-file=" + file("service.key"),
		"--service-cluster-ip-range=" + n.serviceNet, "--service-node-port-range=" + n.settings.text("service-node-port-range", "30000-32767"),
		"--storage-backend=etcd3", "--etcd-healthcheck-timeout=5s",
		"--tls-cert-file=" + file("serving-kube-apiserver.crt"), "--tls-private-key-file=" + file("serving-kube-apiserver.key"),
	}, extraArgs(n.settings["kube-apiserver-arg"])...)...)
}

func (n *node) startControllers(tlsDir string) {
	file := func(name string) string { return filepath.Join(tlsDir, name) }
	config := func(name string) []string {
		path := n.path("server/cred", name+".kubeconfig")
		return []string{
			"--authentication-kubeconfig=" + path, "--authorization-kubeconfig=" + path, "--kubeconfig=" + path,
			"--bind-address=127.0.0.1", "--leader-elect=false", "--profiling=false",
		}
	}
	manager := append(config("controller"),
		"--allocate-node-cidrs=true", "--cluster-cidr="+n.podNet, "--service-cluster-ip-range="+n.serviceNet,
		"--cluster-signing-cert-file="+file("client-ca.crt"), "--cluster-signing-key-file="+file("client-ca.key"),
		"--configure-cloud-routes=false", "--root-ca-file="+file("server-ca.crt"),
		"--service-account-private-key-file="+file("service.key"), "--use-service-account-credentials=true")
	n.start("kube-controller-manager", append(manager, extraArgs(n.settings["kube-controller-manager-arg"])...)...)
	n.start("kube-scheduler", append(config("scheduler"), extraArgs(n.settings["kube-scheduler-arg"])...)...)
}

func firstAddress(cidr string) string {
	ip, _, err := net.ParseCIDR(cidr)
	must(err)
	if ip = ip.To4(); ip == nil {
		fatal("Error: %s: this stand-in knows IPv4 only", cidr)
	}
	ip[3]++
	return ip.String()
}

// extraArgs are the user's own flags for a component ("kubelet-arg: [max-pods=50]"); they come last, so they win.
func extraArgs(list []string) (out []string) {
	for _, arg := range list {
		out = append(out, "--"+strings.TrimLeft(arg, "-"))
	}
	return out
}
