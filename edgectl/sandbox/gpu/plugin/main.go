// Command gpu-plugin is the sandbox's device plugin: pretend GPUs on the kubelet's real device plugin API (v1beta1).
//
// The folder --control holds its knobs, one file each, read five times a second:
//
//	count      how many devices there are (default: --count)
//	delay      seconds to wait before each registration (default: 0)
//	unhealthy  indexes with commas between them, or "all" (default: none)
//
// It knows nothing of edgectl. Whatever makes it late, unhealthy or absent does so through its knobs or by ending it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

const (
	socketName    = "nvidia-gpu.sock" // as NVIDIA's own
	registerLimit = 5 * time.Second
	retryAfter    = time.Second
)

func main() {
	resource := flag.String("resource", "nvidia.com/gpu", "name of the extended resource")
	count := flag.Int("count", 1, "number of devices where the knob says nothing")
	control := flag.String("control", "/etc/sandbox-gpu", "folder of the knobs")
	folder := flag.String("plugins", api.DevicePluginPath, "the kubelet's folder of plugin sockets")
	flag.Parse()
	log.SetFlags(log.LstdFlags | log.LUTC | log.Lmicroseconds)
	log.SetOutput(os.Stdout)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	answers := &server{knobs: newKnobs(*control, *count)}
	for said := ""; ctx.Err() == nil; {
		err := offer(ctx, answers, *folder, *resource)
		if ctx.Err() != nil {
			break
		}
		if reason := err.Error(); reason != said { // the same reason each second would bury the others
			log.Print(reason)
			said = reason
		}
		if !errors.Is(err, errKubeletRestarted) {
			pause(ctx, retryAfter)
		} else {
			said = ""
		}
	}
	log.Print("ended by a signal")
}

var errKubeletRestarted = errors.New("the kubelet restarted: registering again")

// offer serves the plugin's socket, registers it, and stays until the kubelet forgets it or the context ends.
func offer(ctx context.Context, answers *server, folder, resource string) error {
	if delay := answers.delay(); delay > 0 {
		log.Printf("waiting %s before registering", delay)
		if !pause(ctx, delay) {
			return ctx.Err()
		}
	}
	kubelet, own := filepath.Join(folder, filepath.Base(api.KubeletSocket)), filepath.Join(folder, socketName)
	before, err := os.Stat(kubelet)
	if err != nil {
		return fmt.Errorf("no kubelet yet: %w", err)
	}
	if err := os.Remove(own); err != nil && !os.IsNotExist(err) { // left by a kill or a power cut
		return fmt.Errorf("own socket: %w", err)
	}
	listener, err := net.Listen("unix", own)
	if err != nil {
		return fmt.Errorf("own socket: %w", err)
	}
	served := grpc.NewServer()
	api.RegisterDevicePluginServer(served, answers)
	go func() {
		if err := served.Serve(listener); err != nil {
			log.Printf("serving ended: %v", err)
		}
	}()
	defer served.Stop()
	mine, err := os.Stat(own)
	if err != nil {
		return errKubeletRestarted
	}
	if err := register(ctx, kubelet, resource); err != nil {
		return fmt.Errorf("registration failed: %w", err)
	}
	log.Printf("registered %s", resource)
	for pause(ctx, glance) {
		// The kubelet empties its folder when it starts, then makes a new socket of its own.
		if !same(own, mine) || !same(kubelet, before) {
			return errKubeletRestarted
		}
	}
	return ctx.Err()
}

func register(ctx context.Context, kubelet, resource string) error {
	connection, err := grpc.NewClient("unix://"+kubelet, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	limited, cancel := context.WithTimeout(ctx, registerLimit)
	defer cancel()
	_, err = api.NewRegistrationClient(connection).Register(limited, &api.RegisterRequest{
		Version:      api.Version,
		Endpoint:     socketName,
		ResourceName: resource,
	})
	return err
}

// same says whether path still is the file that it was: inode numbers are reused at once, so the time counts too.
func same(path string, was os.FileInfo) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(was, now) && was.ModTime().Equal(now.ModTime())
}

// pause returns false when the context ended first.
func pause(ctx context.Context, length time.Duration) bool {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
