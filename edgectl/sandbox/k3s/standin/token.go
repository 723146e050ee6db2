package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

// Token forms (pkg/clientaccess/token.go): short = the password alone; full = K10<sha256 of the server's CA
// file>::server:<password>. Only the full form lets a joining agent check whom it talks to.

// givenToken returns what configuration says, or "".
func (n *node) givenToken() string {
	if t := n.settings.text("token", ""); t != "" {
		return t
	}
	if f := n.settings.text("token-file", ""); f != "" {
		return strings.TrimSpace(string(read(f)))
	}
	return ""
}

// splitToken returns the hash of the CA (empty in the short form) and the password.
func splitToken(token string) (caHash, password string) {
	if rest, full := strings.CutPrefix(token, "K10"); full {
		hash, credentials, ok := strings.Cut(rest, "::")
		if ok {
			_, password, found := strings.Cut(credentials, ":")
			if !found {
				password = credentials
			}
			return hash, password
		}
	}
	return "", token
}

func caHash(ca []byte) string {
	sum := sha256.Sum256(ca)
	return hex.EncodeToString(sum[:])
}

// serverToken settles the cluster's password and writes server/token. It is made once: a later start with
// another one is refused, since k3s could not decrypt its own bootstrap data (pkg/cluster/storage.go).
func (n *node) serverToken(ca *authority) string {
	hash, password := splitToken(n.givenToken())
	if hash != "" && hash != caHash(ca.pem) && exists(n.path("server/token")) {
		fatal("Error: starting kubernetes: preparing server: token CA hash does not match the Cluster CA certificate hash: %s != %s", hash, caHash(ca.pem))
	}
	if old, err := os.ReadFile(n.path("server/token")); err == nil {
		_, was := splitToken(strings.TrimSpace(string(old)))
		if password != "" && password != was {
			fatal("Error: preparing server: failed to bootstrap cluster data: failed to reconcile with local datastore: " +
				"bootstrap data already found and encrypted with different token")
		}
		password = was
	} else if password == "" {
		random := make([]byte, 16)
		_, err := rand.Read(random)
		must(err)
		password = hex.EncodeToString(random)
	}
	keep(n.path("server/token"), []byte(fmt.Sprintf("K10%s::server:%s\n", caHash(ca.pem), password)), 0o600)
	link(n.path("server/token"), n.path("server/node-token"))
	link(n.path("server/token"), n.path("server/agent-token"))
	return password
}
