package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// stageManifests writes what k3s ships into server/manifests at every start (pkg/deploy/stage.go); what
// `disable:` names is taken away, and kept away. Placeholders are k3s's.
func (n *node) stageManifests() {
	entries, err := fs.ReadDir(embedded, "embedded/manifests")
	must(err)
	for _, entry := range entries {
		path := n.path("server/manifests", entry.Name())
		if n.settings.disabled(strings.TrimSuffix(entry.Name(), ".yaml")) {
			os.Remove(path)
			continue
		}
		if exists(path + ".skip") {
			continue
		}
		data, err := embedded.ReadFile("embedded/manifests/" + entry.Name())
		must(err)
		data = bytes.ReplaceAll(data, []byte("%{CLUSTER_DNS}%"), []byte(n.dns))
		data = bytes.ReplaceAll(data, []byte("%{CLUSTER_DOMAIN}%"), []byte(n.domain))
		keep(path, data, 0o600)
	}
}

// applyManifests applies every manifest that is new or changed (pkg/deploy/controller.go). `<file>.skip` leaves
// one out. Taking a file away removes nothing from the cluster.
func (n *node) applyManifests(applied map[string]time.Time) {
	filepath.WalkDir(n.path("server/manifests"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !isManifest(path) || exists(path+".skip") {
			return nil
		}
		info, err := entry.Info()
		if err != nil || applied[path].Equal(info.ModTime()) {
			return nil
		}
		err = run("/proc/self/exe", "kubectl", "--kubeconfig="+n.path("server/cred/supervisor.kubeconfig"), "apply",
			"--server-side", "--force-conflicts", "--field-manager=deploy@"+n.name, "-f", path)
		if err != nil {
			logLine("error", "Failed to process config: failed to process %s: %v", path, err)
			return nil
		}
		logf("Applied manifest at %s", path)
		applied[path] = info.ModTime()
		return nil
	})
}

func isManifest(path string) bool {
	for _, ending := range []string{".yaml", ".yml", ".json"} {
		if strings.HasSuffix(path, ending) {
			return true
		}
	}
	return false
}
