package main

import (
	"context"
	"fmt"
	"log"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// How often the knobs are read: a test that turns one sees the kubelet told well within a second.
const glance = 200 * time.Millisecond

// server answers the kubelet. Several ListAndWatch streams may overlap while the kubelet restarts.
type server struct {
	api.UnimplementedDevicePluginServer
	mutex sync.Mutex
	knobs *knobs
}

func (s *server) devices() []*api.Device {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.knobs.devices()
}

func (s *server) delay() time.Duration {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.knobs.delay()
}

func (s *server) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

// ListAndWatch tells the kubelet about the devices at once and at each change, until the kubelet goes.
func (s *server) ListAndWatch(_ *api.Empty, stream grpc.ServerStreamingServer[api.ListAndWatchResponse]) error {
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	told := ""
	for {
		devices := s.devices()
		if now := describe(devices); now != told {
			if err := stream.Send(&api.ListAndWatchResponse{Devices: devices}); err != nil {
				log.Printf("the kubelet could not be told of %s: %v", now, err)
				return err
			}
			log.Printf("the kubelet was told: %s", now)
			told = now
		}
		select {
		case <-stream.Context().Done():
			log.Printf("the kubelet stopped watching")
			return nil
		case <-ticker.C:
		}
	}
}

// Allocate hands devices to a container the way NVIDIA's plugin does by default: through its environment.
func (s *server) Allocate(_ context.Context, request *api.AllocateRequest) (*api.AllocateResponse, error) {
	health := map[string]string{}
	for _, device := range s.devices() {
		health[device.ID] = device.Health
	}
	response := &api.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		for _, id := range container.DevicesIds {
			if health[id] != api.Healthy {
				log.Printf("refused: device %s is not here or not healthy", id)
				return nil, fmt.Errorf("device %s is not here or not healthy", id)
			}
		}
		visible := strings.Join(container.DevicesIds, ",")
		log.Printf("allocated %s", visible)
		response.ContainerResponses = append(response.ContainerResponses, &api.ContainerAllocateResponse{
			Envs: map[string]string{"NVIDIA_VISIBLE_DEVICES": visible},
		})
	}
	return response, nil
}
