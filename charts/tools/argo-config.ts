/** The health script as Argo CD's configuration has it: a key for each kind. */
import { dump } from 'js-yaml';

import { GROUP, KINDS } from '../../src/api/group.ts';

const HEADER = `# Generated from deploy/argocd/health.lua by \`make generate\`; do not edit. Adds to what is in Argo CD's ConfigMap:
#
#   kubectl -n argocd patch configmap argocd-cm --patch-file deploy/argocd/argocd-cm.yaml
`;

export function argoConfig(script: string): string {
  const config = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'argocd-cm' },
    data: Object.fromEntries(KINDS.map((kind) => [`resource.customizations.health.${GROUP}_${kind}`, script])),
  };
  return HEADER + dump(config, { noRefs: true, lineWidth: -1 });
}
