package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// api asks the API server with the node's own credentials: the supervisor's on a server; on an agent those of
// kube-proxy, since the node authorizer shows a kubelet no other node (Kubernetes 1.32 and later).
func (n *node) api(method, path string, body, into any) error {
	crt, key := n.path("agent/client-kube-proxy.crt"), n.path("agent/client-kube-proxy.key")
	if n.server {
		crt, key = n.path("server/tls/client-supervisor.crt"), n.path("server/tls/client-supervisor.key")
	}
	return n.apiAs(crt, key, method, path, body, into)
}

// apiAsKubelet changes the node's own object; a kubelet may do that (NodeRestriction).
func (n *node) apiAsKubelet(method, path string, body, into any) error {
	return n.apiAs(n.path("agent/client-kubelet.crt"), n.path("agent/client-kubelet.key"), method, path, body, into)
}

func (n *node) apiAs(crt, key, method, path string, body, into any) error {
	credentials, err := tls.LoadX509KeyPair(crt, key)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(read(n.path("agent/server-ca.crt")))
	transport := &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{credentials}, RootCAs: pool}}
	defer transport.CloseIdleConnections()
	var sent io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(data)
	}
	request, err := http.NewRequest(method, n.apiURL+path, sent)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	answer, err := (&http.Client{Transport: transport, Timeout: 5 * time.Second}).Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, bytes.TrimSpace(data))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(data, into)
}
