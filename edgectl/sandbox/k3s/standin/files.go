package main

import (
	"bytes"
	"os"
	"path/filepath"
)

// write replaces a file atomically and durably.
func write(path string, data []byte, mode os.FileMode) {
	must(os.MkdirAll(filepath.Dir(path), 0o755))
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	must(err)
	_, err = f.Write(data)
	must(err)
	must(f.Chmod(mode))
	must(f.Sync())
	must(f.Close())
	must(os.Rename(tmp, path))
}

// keep writes a file only when its content differs; so that a restart does not touch what stays the same.
func keep(path string, data []byte, mode os.FileMode) {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		must(os.Chmod(path, mode))
		return
	}
	write(path, data, mode)
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	must(err)
	return data
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// link points a symbolic link somewhere, atomically.
func link(target, path string) {
	tmp := path + ".tmp"
	os.Remove(tmp)
	must(os.Symlink(target, tmp))
	must(os.Rename(tmp, path))
}
