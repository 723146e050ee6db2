{{- /* What every pod and container of the stack has in common. */ -}}

{{- define "vision.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .root.Values.terminationGracePeriodSeconds | int64 }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "vision.confined" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{- /* Clock and tracing are for all but Mosquitto, which has neither; a service's own env goes before it. */ -}}
{{- define "vision.env" -}}
{{- $env := dict -}}
{{- if and .root.Values.otel.endpoint (ne .name "bus") }}
{{- $env = dict "OTEL_EXPORTER_OTLP_ENDPOINT" .root.Values.otel.endpoint "OTEL_SERVICE_NAME" .name -}}
{{- $env = set $env "OTEL_TRACES_SAMPLER_ARG" (.root.Values.otel.ratio | toString) -}}
{{- end }}
{{- if and .root.Values.clock (ne .name "bus") }}
{{- $env = set $env "EDGECTL_CLOCK" .root.Values.clock -}}
{{- end }}
{{- $env = merge (deepCopy .at.env) $env -}}
{{- with $env }}
env:
  {{- range $name, $value := . }}
  - name: {{ $name | quote }}
    value: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- with .at.envFromSecrets }}
envFrom:
  {{- range . }}
  - secretRef:
      name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* /tmp, the service's own part of the configuration, its secrets, and folders of the node. */ -}}
{{- define "vision.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .config }}
- name: config
  mountPath: /etc/vision
  readOnly: true
{{- end }}
{{- range .at.secrets }}
- name: {{ printf "secret-%s" . | quote }}
  mountPath: {{ printf "/run/secrets/%s" . | quote }}
  readOnly: true
{{- end }}
{{- range .at.extraVolumes }}
- name: {{ .name | quote }}
  mountPath: {{ .mountPath | quote }}
  {{- if .readOnly }}
  readOnly: true
  {{- end }}
{{- end }}
{{- end }}

{{- define "vision.volumes" -}}
- name: tmp
  emptyDir:
    medium: Memory
    sizeLimit: {{ .root.Values.tmpSize | quote }}
{{- if .config }}
- name: config
  configMap:
    name: vision
    items:
      - key: {{ .config | quote }}
        path: {{ .config | quote }}
{{- end }}
{{- range .at.secrets }}
- name: {{ printf "secret-%s" . | quote }}
  secret:
    secretName: {{ . | quote }}
{{- end }}
{{- range .at.extraVolumes }}
- name: {{ .name | quote }}
  hostPath:
    path: {{ .hostPath | quote }}
    type: DirectoryOrCreate
{{- end }}
{{- end }}

{{- /* `probe` of the values takes the place of what is asked; how often stays. */ -}}
{{- define "vision.probes" -}}
{{- $own := .at.probe -}}
startupProbe:
  {{- toYaml ($own | default .startup) | nindent 2 }}
  periodSeconds: 1
  timeoutSeconds: {{ .timeout | int64 }}
  failureThreshold: 180
readinessProbe:
  {{- toYaml ($own | default .readiness) | nindent 2 }}
  periodSeconds: {{ .period | int64 }}
  timeoutSeconds: {{ .timeout | int64 }}
  failureThreshold: 2
livenessProbe:
  {{- toYaml ($own | default .liveness) | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}
