{{- /* What each service reads: `config` of its values lies over what follows from the other values. */ -}}

{{- define "vision.bus" -}}
{{- dict "host" (.Values.bus.host | default "bus") "port" (.Values.bus.port | int64) | toJson -}}
{{- end }}

{{- define "vision.config.camera" -}}
{{- $inference := dict "url" (printf "http://inference:%d" (.Values.inference.port | int64)) -}}
{{- with .Values.inference.model }}{{ $_ := set $inference "model" . }}{{ end -}}
{{- $bus := include "vision.bus" . | fromJson -}}
{{- $own := dict "cameras" (deepCopy .Values.camera.cameras) "inference" $inference "bus" $bus -}}
{{- mergeOverwrite $own (deepCopy .Values.camera.config) | toJson -}}
{{- end }}

{{- define "vision.config.uplink" -}}
{{- $bus := include "vision.bus" . | fromJson -}}
{{- $own := dict "bus" $bus "sink" (deepCopy .Values.uplink.sink) "store" (dict "path" "/data/uplink.db") -}}
{{- mergeOverwrite $own (deepCopy .Values.uplink.config) | toJson -}}
{{- end }}

{{- define "vision.config.drift" -}}
{{- $own := dict "bus" (include "vision.bus" . | fromJson) -}}
{{- mergeOverwrite $own (deepCopy .Values.drift.config) | toJson -}}
{{- end }}

{{- define "vision.config.inference" -}}
{{- .Values.inference.config | toJson -}}
{{- end }}

{{- /* Mosquitto is transport only: what is beyond these bounds is dropped, and its camera, which has no receipt, sends
it again. Nothing is written, so nothing wears or fills the disk. */ -}}
{{- define "vision.config.bus" -}}
{{- with .Values.bus.config }}{{ . }}{{ else -}}
listener {{ .Values.bus.port | int64 }}
allow_anonymous true
persistence false
max_connections {{ .Values.bus.limits.connections | int64 }}
max_queued_messages {{ .Values.bus.limits.queuedMessages | int64 }}
max_queued_bytes {{ .Values.bus.limits.queuedBytes | int64 }}
max_inflight_messages {{ .Values.bus.limits.inflightMessages | int64 }}
message_size_limit {{ .Values.bus.limits.messageBytes | int64 }}
memory_limit {{ .Values.bus.limits.memoryBytes | int64 }}
persistent_client_expiration 1d
sys_interval 10
log_dest stderr
log_type error
log_type warning
{{ end -}}
{{- end }}
