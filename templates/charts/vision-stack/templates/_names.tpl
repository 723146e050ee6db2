{{- define "vision.selector" -}}
app.kubernetes.io/name: inference
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "vision.labels" -}}
{{ include "vision.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: vision-stack
app.kubernetes.io/component: inference
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end }}
