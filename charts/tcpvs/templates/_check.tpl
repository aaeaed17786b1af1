{{/* What the schema cannot say: rules over several values, and over the release. */}}
{{- define "tcpvs.check" -}}
{{- $name := include "tcpvs.name" . -}}
{{- if gt (len $name) 48 -}}
{{- fail (printf "the installation's name %q has %d characters; at most 48 leave room for \"-controller\" in names of Services: give the release a shorter name, or set fullnameOverride" $name (len $name)) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "the installation's name %q is no name of a Service (lower-case letters, digits and -, a letter first): give the release another name, or set fullnameOverride" $name) -}}
{{- end -}}
{{- $ports := dict -}}
{{- $names := dict -}}
{{- range .Values.proxy.service.ports -}}
{{- $port := toString .port -}}
{{- if hasKey $ports $port -}}
{{- fail (printf "proxy.service.ports: port %s stands twice" $port) -}}
{{- end -}}
{{- if hasKey $names .name -}}
{{- fail (printf "proxy.service.ports: name %s stands twice" .name) -}}
{{- end -}}
{{- if eq (int .port) (int $.Values.proxy.adminPort) -}}
{{- fail (printf "proxy.service.ports: port %s is proxy.adminPort too; set one of the two to another port" $port) -}}
{{- end -}}
{{- if and $.Values.proxy.hostNetwork (lt (int .port) 1024) -}}
{{- fail (printf "proxy.service.ports: port %s is below 1024, which pods with proxy.hostNetwork may not listen on: use 1024 and above, and let the load balancer map the port" $port) -}}
{{- end -}}
{{- $_ := set $ports $port true -}}
{{- $_ := set $names .name true -}}
{{- end -}}
{{- if eq (int .Values.controller.port) (int .Values.controller.adminPort) -}}
{{- fail "controller.port and controller.adminPort are the same; set one of the two to another port" -}}
{{- end -}}
{{- end -}}
