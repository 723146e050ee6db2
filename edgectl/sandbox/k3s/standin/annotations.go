package main

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"os"
	"strings"
)

const omitted = "********"

// nodeAnnotations says on the node object with what k3s was started (pkg/nodeconfig/nodeconfig.go): the merged
// arguments as a flat list, the K3S_ variables, and a hash over both. Secrets are left out.
func nodeAnnotations(args []string) map[string]string {
	list := []string{}
	for _, arg := range args {
		if name, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(arg, "--") {
			list = append(list, name, value)
			continue
		}
		list = append(list, arg)
	}
	for i := range list {
		if secret(list[i]) && i+1 < len(list) {
			list[i+1] = omitted
		}
	}
	vars := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "K3S_") {
			continue
		}
		if secret(name) {
			value = omitted
		}
		vars[name] = value
	}
	nodeArgs, err := json.Marshal(list)
	must(err)
	nodeEnv, err := json.Marshal(vars)
	must(err)
	sum := sha256.Sum256(append(append([]byte{}, nodeArgs...), nodeEnv...))
	return map[string]string{
		"k3s.io/node-args":        string(nodeArgs),
		"k3s.io/node-env":         string(nodeEnv),
		"k3s.io/node-config-hash": base32.StdEncoding.EncodeToString(sum[:]),
	}
}

func secret(name string) bool {
	switch name {
	case "K3S_TOKEN", "K3S_AGENT_TOKEN", "K3S_DATASTORE_ENDPOINT", "K3S_CLUSTER_SECRET", "AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY", "--token", "-t", "--agent-token", "--datastore-endpoint", "--cluster-secret",
		"--etcd-s3-access-key", "--etcd-s3-secret-key":
		return true
	}
	return false
}
