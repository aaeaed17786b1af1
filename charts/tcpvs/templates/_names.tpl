{{/* The installation's name: prefix of all its objects. */}}
{{- define "tcpvs.name" -}}
{{- .Values.fullnameOverride | default .Release.Name -}}
{{- end -}}

{{/* Cluster-scoped names hold the namespace too: installations of the same name do not meet. */}}
{{- define "tcpvs.clusterName" -}}
{{- printf "tcpvs:%s:%s" .Release.Namespace (include "tcpvs.name" .) -}}
{{- end -}}

{{- define "tcpvs.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* What Deployments and Services select by: never to be changed, it is immutable. Takes (list . "component"). */}}
{{- define "tcpvs.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: tcpvs
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Takes (list . "component"). */}}
{{- define "tcpvs.labels" -}}
{{- $root := index . 0 -}}
{{ include "tcpvs.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: tcpvs
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Host name of the controller, as its certificate names it. */}}
{{- define "tcpvs.controllerHost" -}}
{{- printf "%s-controller.%s.svc" (include "tcpvs.name" .) .Release.Namespace -}}
{{- end -}}

{{- define "tcpvs.controllerUser" -}}
{{- printf "system:serviceaccount:%s:%s-controller" .Release.Namespace (include "tcpvs.name" .) -}}
{{- end -}}
