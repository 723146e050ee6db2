{{- /* A service of one pod: root, name, at as in _names.tpl; config (the file of its configuration), args (its own),
port and portName (what the store's other services ask), data (of its own: a volume), own (that volume is to be given to
the pod's user), startup, readiness, liveness, period, timeout (of its probes). Each is one of its kind: two cameras would
tell everything twice, two brokers would know nothing of each other's messages, two uplinks would write one file. So the
old pod goes before the new one comes. */ -}}
{{- define "vision.deployment" -}}
{{- $pod := . -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "vision.meta" . | nindent 2 }}
spec:
  replicas: 1
  revisionHistoryLimit: 3
  progressDeadlineSeconds: 300
  strategy:
    type: Recreate
  selector:
    matchLabels:
      {{- include "vision.selector" . | nindent 6 }}
  template:
    metadata:
      # No versions here: a new chart with the same pods must not restart them.
      labels:
        {{- include "vision.selector" . | nindent 8 }}
      {{- if .config }}
      annotations:
        edgectl.dev/config: {{ include (printf "vision.config.%s" .name) .root | sha256sum | quote }}
        {{- if .own }}
        edgectl.dev/own-folders: data
        {{- end }}
      {{- end }}
    spec:
      {{- include "vision.pod" . | nindent 6 }}
      {{- with .at.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .at.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .name | quote }}
          image: {{ include "vision.image" . | quote }}
          imagePullPolicy: {{ .at.imagePullPolicy | quote }}
          {{- with .at.command }}
          command:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          args:
            {{- toYaml (ternary .at.args .args (kindIs "slice" .at.args)) | nindent 12 }}
          {{- include "vision.env" . | nindent 10 }}
          ports:
            {{- if .port }}
            - name: {{ .portName | quote }}
              containerPort: {{ .port | int64 }}
              protocol: TCP
            {{- end }}
            {{- if .ops }}
            - name: ops
              containerPort: 9100
              protocol: TCP
            {{- end }}
          {{- include "vision.confined" . | nindent 10 }}
          resources:
            {{- toYaml .at.resources | nindent 12 }}
          {{- include "vision.probes" . | nindent 10 }}
          volumeMounts:
            {{- include "vision.mounts" . | nindent 12 }}
            {{- if .data }}
            - name: data
              mountPath: /data
            {{- end }}
      volumes:
        {{- include "vision.volumes" . | nindent 8 }}
        {{- if .data }}
        - name: data
          {{- toYaml .data | nindent 10 }}
        {{- end }}
{{- end }}

{{- define "vision.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "vision.meta" . | nindent 2 }}
spec:
  type: ClusterIP
  {{- if .always }}
  # Who is not ready says why: at /status, and how far a canary frame comes. Nobody asks here for anything else.
  publishNotReadyAddresses: true
  {{- end }}
  selector:
    {{- include "vision.selector" . | nindent 4 }}
  ports:
    {{- if .port }}
    - name: {{ .portName | quote }}
      port: {{ .port | int64 }}
      targetPort: {{ .portName | quote }}
      protocol: TCP
    {{- end }}
    {{- if .ops }}
    - name: ops
      port: 9100
      targetPort: ops
      protocol: TCP
    {{- end }}
{{- end }}

{{- /* A Python service: its module, its configuration, its port of operations. */ -}}
{{- define "vision.python" -}}
{{- $file := printf "%s.json" .name -}}
{{- $args := list "-m" (printf "edgectl.stack.%s" .name) "--config" (printf "/etc/vision/%s" $file) -}}
{{- $live := dict "httpGet" (dict "path" "/live" "port" "ops") -}}
{{- $ready := dict "httpGet" (dict "path" "/ready" "port" "ops") -}}
{{- $asked := dict "startup" $live "readiness" $ready "liveness" $live "period" 3 "timeout" 3 -}}
{{- $all := merge (dict "ops" true "always" (not (hasKey . "port"))) . (dict "args" $args) $asked -}}
{{- $_ := set $all "config" (ternary .config $file (hasKey . "config")) -}}
{{ include "vision.deployment" $all }}
---
{{ include "vision.service" $all }}
{{- end }}
