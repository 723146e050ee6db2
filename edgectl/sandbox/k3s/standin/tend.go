package main

import "time"

type kubeNode struct {
	Metadata struct {
		Name                string
		Labels, Annotations map[string]string
	}
	Spec   struct{ PodCIDR string }
	Status struct {
		Addresses []struct{ Type, Address string }
	}
}

// tend is what goes on while k3s runs: the pod network, this node's labels and annotations, the manifests.
func (n *node) tend() {
	applied := map[string]time.Time{}
	routes := map[string]string{}
	for ; ; time.Sleep(time.Second) {
		n.masquerade()
		var nodes struct{ Items []kubeNode }
		if err := n.api("GET", "/api/v1/nodes", nil, &nodes); err != nil {
			continue
		}
		for _, other := range nodes.Items {
			if other.Metadata.Name == n.name {
				n.tendSelf(other)
				continue
			}
			for _, address := range other.Status.Addresses {
				pods := other.Spec.PodCIDR
				if address.Type == "InternalIP" && pods != "" && routes[pods] != address.Address {
					routeTo(pods, address.Address)
					routes[pods] = address.Address
				}
			}
		}
		if n.server {
			n.applyManifests(applied)
		}
	}
}

// tendSelf writes the CNI configuration once the node has its pod network, and keeps what k3s says on the node
// object (pkg/agent/run.go, configureNode; the role label: pkg/server/server.go, setNodeLabelsAndAnnotations).
func (n *node) tendSelf(self kubeNode) {
	if self.Spec.PodCIDR != "" {
		n.writeCNI(self.Spec.PodCIDR)
	}
	path := "/api/v1/nodes/" + n.name
	annotations := nodeAnnotations(n.args)
	if self.Metadata.Annotations["k3s.io/node-config-hash"] != annotations["k3s.io/node-config-hash"] {
		n.patch(n.apiAsKubelet, path, "annotations", annotations)
	}
	const role = "node-role.kubernetes.io/control-plane"
	if n.server && self.Metadata.Labels[role] != "true" {
		n.patch(n.api, path, "labels", map[string]string{role: "true"})
	}
}

func (n *node) patch(ask func(string, string, any, any) error, path, field string, values map[string]string) {
	if err := ask("PATCH", path, map[string]any{"metadata": map[string]any{field: values}}, nil); err != nil {
		warnf("%v", err)
	}
}
