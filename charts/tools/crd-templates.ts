/**
 * The CRDs as templates of the chart. Not in its folder `crds/`: what stands there is installed once and never upgraded.
 * They stay when the release is removed, because all objects would go with them.
 */
export function crdTemplate(crd: string): string {
  const body = crd.replace(/^#.*\n/, '').replaceAll('{{', '{{ "{{" }}');
  const marked = body.replace(
    /^metadata:\n( {2}name: .*\n)/m,
    (_, name: string) =>
      `metadata:\n${name}  labels:\n    {{- include "tcpvs.labels" (list . "crds") | nindent 4 }}\n  annotations:\n    helm.sh/resource-policy: keep\n`,
  );
  if (marked === body) throw new Error('a CRD without metadata.name where it was expected');
  return `{{- if .Values.crds.install }}\n# Generated from crds/ by \`make generate\`; do not edit.\n${marked}{{- end }}\n`;
}
