package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/archive/compression"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/fsnotify/fsnotify"
)

// Archives of agent/images are imported: all of them before the kubelet starts (pkg/agent/containerd/containerd.go,
// PreloadImages), and, while running, those that are new or changed, two seconds after the first event
// (pkg/agent/containerd/watcher.go; since v1.32.0). Imported images are pinned against garbage collection.
const imageDebounce = 2 * time.Second

var archiveEndings = []string{".tar", ".tar.lz4", ".tar.bz2", ".tbz", ".tar.gz", ".tgz", ".tar.zst", ".tzst"}

type imageImporter struct {
	folder string
	client *containerd.Client
	seen   map[string]fs.FileInfo
}

func isArchive(name string) bool {
	for _, ending := range archiveEndings {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// importAll imports every archive; one that is broken is said so and left, as in k3s.
func (i *imageImporter) importAll() {
	entries, err := os.ReadDir(i.folder)
	must(err)
	for _, entry := range entries {
		path := filepath.Join(i.folder, entry.Name())
		info, err := entry.Info()
		if err != nil || info.IsDir() || !isArchive(path) {
			continue
		}
		i.seen[path] = info
		i.importFile(path)
	}
}

func (i *imageImporter) importFile(path string) {
	began := time.Now()
	logf("Importing images from %s", path)
	if err := i.load(path); err != nil {
		logLine("error", "Error encountered while importing %s: %v", path, err)
		return
	}
	logf("Imported images from %s in %s", path, time.Since(began))
}

func (i *imageImporter) load(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := compression.DecompressStream(file)
	if err != nil {
		return err
	}
	defer plain.Close()
	ctx := namespaces.WithNamespace(context.Background(), "k8s.io")
	images, err := i.client.Import(ctx, plain, containerd.WithAllPlatforms(false), containerd.WithSkipMissing())
	if err != nil {
		return err
	}
	for _, image := range images {
		if image.Labels == nil {
			image.Labels = map[string]string{}
		}
		image.Labels["io.cri-containerd.image"], image.Labels["io.cri-containerd.pinned"] = "managed", "pinned"
		if _, err := i.client.ImageService().Update(ctx, image, "labels"); err != nil {
			return fmt.Errorf("%s: %w", image.Name, err)
		}
		if err := containerd.NewImage(i.client, image).Unpack(ctx, "overlayfs"); err != nil {
			return fmt.Errorf("%s: %w", image.Name, err)
		}
		logf("Imported %s", image.Name)
	}
	return nil
}

// watch imports what appears while k3s runs. The folder's parent is watched too: the folder itself may go and
// come back.
func (i *imageImporter) watch() {
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		err = watcher.Add(filepath.Dir(i.folder))
	}
	if err == nil {
		err = watcher.Add(i.folder)
	}
	if err != nil {
		logLine("error", "Failed to watch %s: %v", i.folder, err)
		return
	}
	due := map[string]time.Time{}
	tick := time.NewTicker(200 * time.Millisecond)
	for {
		select {
		case event, open := <-watcher.Events:
			if !open {
				return
			}
			if _, waits := due[event.Name]; !waits && strings.HasPrefix(event.Name, i.folder) {
				due[event.Name] = time.Now().Add(imageDebounce)
			}
		case err, open := <-watcher.Errors:
			if !open {
				return
			}
			logLine("error", "Image watcher received an error: %v", err)
		case now := <-tick.C:
			for path, at := range due {
				if now.After(at) {
					delete(due, path)
					i.changed(watcher, path)
				}
			}
		}
	}
}

// changed decides as k3s before v1.37 does: a known file is imported again only if its size changed and its
// time is newer. A file that was written in place may so be imported half-written.
func (i *imageImporter) changed(watcher *fsnotify.Watcher, path string) {
	info, err := os.Stat(path)
	if err != nil {
		delete(i.seen, path)
		return
	}
	if path == i.folder {
		if err := watcher.Add(path); err != nil {
			logLine("error", "Failed to watch %s: %v", path, err)
		}
		i.importAll()
		return
	}
	if info.IsDir() || !isArchive(path) {
		return
	}
	last := i.seen[path]
	i.seen[path] = info
	if last == nil || info.Size() != last.Size() && info.ModTime().After(last.ModTime()) {
		i.importFile(path)
	}
}
