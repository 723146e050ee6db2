{{- /* All of these take a dict: root (the chart's own scope), name (of the service), at (its values). */ -}}

{{- define "vision.selector" -}}
app.kubernetes.io/name: {{ .name | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- end }}

{{- define "vision.labels" -}}
{{ include "vision.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: vision-stack
app.kubernetes.io/component: {{ .name | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | quote }}
{{- end }}

{{- define "vision.meta" -}}
name: {{ .name | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "vision.labels" . | nindent 2 }}
{{- end }}

{{- /* The service's own image, else the one of all Python services. */ -}}
{{- define "vision.image" -}}
{{- $shared := ternary "" .root.Values.image (eq .name "bus") -}}
{{- $own := .at.image | default $shared -}}
{{- required (printf "%s.image is needed%s" .name (ternary "" ", or image for all Python services" (eq .name "bus"))) $own -}}
{{- end }}
