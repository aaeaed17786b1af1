{{- define "tcpvs.proxyPod" -}}
{{- $name := include "tcpvs.name" . -}}
{{- $drain := .Values.proxy.drain -}}
metadata:
  {{- include "tcpvs.podMetadata" (dict "root" . "component" "proxy" "values" .Values.proxy) | nindent 2 }}
spec:
  serviceAccountName: {{ $name }}-proxy
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- if .Values.proxy.hostNetwork }}
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  {{- end }}
  terminationGracePeriodSeconds: {{ add $drain.preStopSeconds $drain.delaySeconds $drain.timeoutSeconds 10 }}
  securityContext:
    {{- include "tcpvs.podSecurity" . | nindent 4 }}
    {{- $low := false }}
    {{- range .Values.proxy.service.ports }}
    {{- if lt (int .port) 1024 }}{{ $low = true }}{{ end }}
    {{- end }}
    {{- if and $low (not .Values.proxy.hostNetwork) }}
    # The capability NET_BIND_SERVICE does nothing for a user who is not root. Of the pod's own network alone.
    sysctls:
      - { name: net.ipv4.ip_unprivileged_port_start, value: '0' }
    {{- end }}
  {{- with include "tcpvs.placement" (dict "root" . "component" "proxy" "values" .Values.proxy "spread" (eq .Values.proxy.kind "Deployment")) | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  containers:
    - name: proxy
      {{- include "tcpvs.imageFields" . | nindent 6 }}
      args:
        - proxy
        - --controller=https://{{ include "tcpvs.controllerHost" . }}:{{ .Values.controller.port }}
        - --ca-file=/etc/tcpvs/ca/ca.crt
        - --token-file=/var/run/secrets/tcpvs/token
        # Below the volume, so that the proxy makes it, for its eyes alone.
        - --state-dir=/var/lib/tcpvs/state
        - --admin=[::]:{{ .Values.proxy.adminPort }}
        {{- if .Values.proxy.workers }}
        - --workers={{ .Values.proxy.workers }}
        {{- end }}
        - --drain-delay={{ $drain.delaySeconds }}
        - --drain-timeout={{ $drain.timeoutSeconds }}
        {{- with .Values.trustedProxies }}
        - --trusted-proxies={{ join "," . }}
        {{- end }}
        - --access-log={{ .Values.proxy.accessLog }}
        {{- with .Values.proxy.tracing }}
        {{- if .endpoint }}
        - --otlp-endpoint={{ .endpoint }}
        - --trace-sample={{ .sample }}
        {{- end }}
        {{- end }}
        - --log-level={{ .Values.proxy.logLevel }}
        - --metric-series={{ .Values.proxy.metricSeries }}
        - --class={{ .Values.className }}
      {{- with .Values.proxy.tracing }}
      {{- if and .endpoint .headersSecret }}
      env:
        - name: OTEL_EXPORTER_OTLP_HEADERS
          valueFrom:
            secretKeyRef: { name: {{ .headersSecret }}, key: headers }
      {{- end }}
      {{- end }}
      ports:
        {{- range .Values.proxy.service.ports }}
        - { name: {{ .name }}, containerPort: {{ .port }}, protocol: TCP }
        {{- end }}
        - { name: admin, containerPort: {{ .Values.proxy.adminPort }}, protocol: TCP }
      lifecycle:
        preStop:
          sleep:
            seconds: {{ $drain.preStopSeconds }}
      startupProbe:
        httpGet: { path: /healthz, port: admin }
        periodSeconds: 1
        failureThreshold: 60
      livenessProbe:
        httpGet: { path: /healthz, port: admin }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet: { path: /readyz, port: admin }
        periodSeconds: 1
        timeoutSeconds: 1
        failureThreshold: 2
      resources:
        {{- toYaml .Values.proxy.resources | nindent 8 }}
      securityContext:
        {{- include "tcpvs.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - { name: ca, mountPath: /etc/tcpvs/ca, readOnly: true }
        - { name: token, mountPath: /var/run/secrets/tcpvs, readOnly: true }
        - { name: state, mountPath: /var/lib/tcpvs }
  volumes:
    # Not optional: the pod waits until the controller has written it, and that is seconds; an optional volume would be
    # looked at again after a minute.
    - name: ca
      configMap:
        name: {{ $name }}-ca-bundle
        items:
          - { key: ca.crt, path: ca.crt }
    - name: token
      projected:
        sources:
          - serviceAccountToken:
              audience: tcpvs
              expirationSeconds: 3600
              path: token
    # The last good snapshot, with keys: never on a disk.
    - name: state
      emptyDir:
        medium: Memory
        sizeLimit: {{ .Values.proxy.stateSize }}
{{- end -}}
