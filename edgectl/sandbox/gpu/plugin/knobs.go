package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// knobs reads what the pretend GPUs should do from the files of one folder. A file that is missing or empty means
// the default. A file that makes no sense is reported once and the last good value stays.
type knobs struct {
	folder string
	count  int
	last   map[string]string
	told   map[string]string
}

func newKnobs(folder string, count int) *knobs {
	return &knobs{folder: folder, count: count, last: map[string]string{}, told: map[string]string{}}
}

// read returns a knob's text if valid accepts it, else the last text that it accepted ("" at first).
func (k *knobs) read(name string, valid func(string) error) string {
	data, err := os.ReadFile(filepath.Join(k.folder, name))
	text := strings.TrimSpace(string(data))
	if err != nil && !os.IsNotExist(err) {
		return k.complain(name, err.Error())
	}
	if text != "" {
		if err := valid(text); err != nil {
			return k.complain(name, fmt.Sprintf("%q: %v", text, err))
		}
	}
	delete(k.told, name)
	k.last[name] = text
	return text
}

func (k *knobs) complain(name, reason string) string {
	if k.told[name] != reason {
		log.Printf("knob %s is ignored: %s", name, reason)
		k.told[name] = reason
	}
	return k.last[name]
}

// delay is how long to wait before each registration.
func (k *knobs) delay() time.Duration {
	seconds, _ := strconv.ParseFloat(k.read("delay", func(text string) error {
		seconds, err := strconv.ParseFloat(text, 64)
		if err == nil && !(seconds >= 0 && seconds <= 86400) {
			err = fmt.Errorf("seconds from 0 to 86400 are needed")
		}
		return err
	}), 64)
	return time.Duration(seconds * float64(time.Second))
}

// devices is what the kubelet should see now.
func (k *knobs) devices() []*api.Device {
	count := k.count
	if text := k.read("count", validCount); text != "" {
		count, _ = strconv.Atoi(text)
	}
	bad, all := indexes(k.read("unhealthy", validIndexes))
	devices := make([]*api.Device, 0, count)
	for index := range count {
		health := api.Healthy
		if all || bad[index] {
			health = api.Unhealthy
		}
		devices = append(devices, &api.Device{ID: deviceID(index), Health: health})
	}
	return devices
}

// deviceID has the form of NVIDIA's UUIDs; the last group counts.
func deviceID(index int) string {
	return fmt.Sprintf("GPU-5a9dbc01-0000-4000-8000-%012d", index)
}

func validCount(text string) error {
	count, err := strconv.Atoi(text)
	if err == nil && (count < 0 || count > 64) {
		err = fmt.Errorf("a number from 0 to 64 is needed")
	}
	return err
}

func validIndexes(text string) error {
	if text == "all" {
		return nil
	}
	for _, piece := range strings.Split(text, ",") {
		if _, err := strconv.Atoi(strings.TrimSpace(piece)); err != nil {
			return fmt.Errorf("\"all\" or indexes with commas between them are needed")
		}
	}
	return nil
}

func indexes(text string) (chosen map[int]bool, all bool) {
	chosen = map[int]bool{}
	for _, piece := range strings.Split(text, ",") {
		if index, err := strconv.Atoi(strings.TrimSpace(piece)); err == nil {
			chosen[index] = true
		}
	}
	return chosen, text == "all"
}

// describe says in one line what devices are, for the log.
func describe(devices []*api.Device) string {
	var unhealthy []string
	for index, device := range devices {
		if device.Health != api.Healthy {
			unhealthy = append(unhealthy, strconv.Itoa(index))
		}
	}
	if len(unhealthy) == 0 {
		return fmt.Sprintf("%d devices, all healthy", len(devices))
	}
	return fmt.Sprintf("%d devices, unhealthy: %s", len(devices), strings.Join(unhealthy, ","))
}
