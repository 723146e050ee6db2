package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// How an agent becomes a node. k3s does this on the API port, with its own supervisor in front of the API
// server (pkg/server/handlers); here it is a port of its own and one request.
const (
	joinPort   = "9345"
	agentWaits = 30 * 24 * time.Hour // an agent tries for as long as it takes, as k3s's does
)

type joinReply struct {
	Files                           map[string][]byte
	DNS, Domain, PodNet, ServiceNet string
	APIAddress                      string
}

// agentFiles makes an agent's certificates and kubeconfigs (k3s: pkg/agent/config/config.go). The server keeps
// its own on disk; those of a joining agent are made for it and handed over.
func (n *node) agentFiles(serverCA, clientCA *authority, name, ip, apiURL string) map[string][]byte {
	files := map[string][]byte{"server-ca.crt": serverCA.pem, "client-ca.crt": clientCA.pem}
	issue := func(ca *authority, file, cn string, orgs, sans []string) pair {
		var p pair
		if name == n.name {
			p = ca.leaf(n.path("agent"), file, cn, orgs, sans)
		} else {
			p = ca.issue(cn, orgs, sans)
		}
		files[file+".crt"], files[file+".key"] = p.crt, p.key
		return p
	}
	issue(serverCA, "serving-kubelet", name, nil, []string{name, "localhost", "127.0.0.1", ip})
	kubelet := issue(clientCA, "client-kubelet", "system:node:"+name, []string{"system:nodes"}, nil)
	proxy := issue(clientCA, "client-kube-proxy", "system:kube-proxy", nil, nil)
	files["kubelet.kubeconfig"] = kubeconfig(apiURL, serverCA.pem, kubelet)
	files["kubeproxy.kubeconfig"] = kubeconfig(apiURL, serverCA.pem, proxy)
	return files
}

func (n *node) writeAgentFiles(files map[string][]byte) {
	for name, data := range files {
		keep(n.path("agent", filepath.Base(name)), data, 0o600)
	}
}

func (n *node) serveJoins(serverCA, clientCA *authority, password string) {
	mux := http.NewServeMux()
	mux.HandleFunc("/cacerts", func(w http.ResponseWriter, _ *http.Request) { w.Write(serverCA.pem) })
	mux.HandleFunc("/ping", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("pong")) })
	mux.HandleFunc("/join", func(w http.ResponseWriter, r *http.Request) {
		if _, given, _ := r.BasicAuth(); given != password {
			http.Error(w, "not authorized", http.StatusUnauthorized)
			return
		}
		name, ip := r.FormValue("name"), r.FormValue("ip")
		if name == "" || name == n.name || net.ParseIP(ip) == nil {
			http.Error(w, "a node needs a name that is not the server's, and an address", http.StatusForbidden)
			return
		}
		logf("Node %s at %s joins", name, ip)
		json.NewEncoder(w).Encode(joinReply{
			n.agentFiles(serverCA, clientCA, name, ip, "https://"+n.ip+":"+apiPort), n.dns, n.domain, n.podNet, n.serviceNet, n.ip,
		})
	})
	server := &http.Server{Addr: ":" + joinPort, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	warnf("no agent can join any more: %v",
		server.ListenAndServeTLS(n.path("server/tls/serving-kube-apiserver.crt"), n.path("server/tls/serving-kube-apiserver.key")))
}

// join fetches this agent's files from the server and waits until the API answers. A wrong token is no end: k3s's
// agent says what is wrong and tries again for ever (pkg/agent/run.go, createProxyAndValidateToken), and its unit
// stays "activating".
func (n *node) join() {
	server, token := n.settings.text("server", ""), n.givenToken()
	if token == "" {
		fatal("Error: --token is required")
	}
	if server == "" {
		fatal("Error: --server is required")
	}
	address, err := url.Parse(server)
	must(err)
	base := "https://" + net.JoinHostPort(address.Hostname(), joinPort)
	hash, password := splitToken(token)
	var reply joinReply
	wait("joined "+server, agentWaits, func() error {
		err := n.askToJoin(base, hash, password, &reply)
		if err != nil {
			logLine("error", "Failed to validate connection to cluster at %s: %v", server, err)
			time.Sleep(2 * time.Second)
		}
		return err
	})
	n.dns, n.domain, n.podNet, n.serviceNet = reply.DNS, reply.Domain, reply.PodNet, reply.ServiceNet
	n.apiURL = "https://" + net.JoinHostPort(reply.APIAddress, apiPort)
	n.writeAgentFiles(reply.Files)
	wait("kube-apiserver answers", agentWaits, func() error { return n.api("GET", "/readyz", nil, nil) })
}

func (n *node) askToJoin(base, hash, password string, into *joinReply) error {
	ca, err := fetchCA(base)
	if err != nil {
		return fmt.Errorf("failed to get CA certs: %w", err)
	}
	if hash != "" && hash != caHash(ca) {
		return fmt.Errorf("token CA hash does not match the Cluster CA certificate hash: %s != %s", hash, caHash(ca))
	}
	return n.fetchIdentity(base, ca, password, into)
}

// fetchCA trusts whoever answers: with a short token there is nothing to check against, as in k3s.
func fetchCA(base string) ([]byte, error) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	answer, err := client.Get(base + "/cacerts")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s/cacerts: %s", base, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

func (n *node) fetchIdentity(base string, ca []byte, password string, into *joinReply) error {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	query := url.Values{"name": {n.name}, "ip": {n.ip}}
	request, err := http.NewRequest("GET", base+"/join?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	request.SetBasicAuth("node", password)
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(said)))
	}
	return json.NewDecoder(answer.Body).Decode(into)
}
