{{/* Parts of every pod: what Pod Security's "restricted" asks for, and a little more. */}}
{{- define "tcpvs.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "tcpvs.containerSecurity" -}}
runAsNonRoot: true
privileged: false
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "tcpvs.imageFields" -}}
image: {{ include "tcpvs.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end -}}

{{/* Where pods go. Takes (dict "root" . "component" "proxy" "values" .Values.proxy "spread" true). */}}
{{- define "tcpvs.placement" -}}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if and .spread .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- $selector := include "tcpvs.selector" (list .root .component) | fromYaml }}
  {{- range .values.topologySpreadConstraints }}
  - {{- toYaml (merge (deepCopy .) (dict "labelSelector" (dict "matchLabels" $selector) "matchLabelKeys" (list "pod-template-hash"))) | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/*
Labels and annotations of a pod. Takes (dict "root" . "component" "proxy" "values" .Values.proxy). Nothing here names a
version: only what a pod runs by may replace it.
*/}}
{{- define "tcpvs.podMetadata" -}}
labels:
  {{- include "tcpvs.selector" (list .root .component) | nindent 2 }}
  app.kubernetes.io/part-of: tcpvs
  {{- with .root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with .values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
