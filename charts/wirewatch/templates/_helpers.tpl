{{- define "wirewatch.name" -}}
{{- if contains "wirewatch" .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-wirewatch" .Release.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "wirewatch.selector" -}}
app.kubernetes.io/name: wirewatch
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "wirewatch.labels" -}}
{{ include "wirewatch.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "wirewatch.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* "live": the process answers. "ready": the database does too, and the bot looks for due feeds. */ -}}
{{- define "wirewatch.probe" -}}
{{- if .root.Values.web.service -}}
httpGet:
  path: /healthz/{{ .what }}
  port: http
{{- else -}}
exec:
  command: [healthy, /config, {{ .what }}]
{{- end -}}
{{- end }}
