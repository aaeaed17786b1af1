/** A kind's CustomResourceDefinition, as data. */
import { CATEGORY, GROUP, VERSION } from './group.ts';
import type { KindInfo } from './kinds.ts';
import { type Structural, toStructural } from './structural.ts';

/** Names of ours are referred to as labels; a longer name, or one with dots, could be made but never referred to. */
const NAME_RULE = {
  rule: "size(self.metadata.name) <= 63 && !self.metadata.name.contains('.')",
  message: 'a metadata.name of at most 63 characters, without dots',
};

export const toCrd = (info: KindInfo): Record<string, unknown> => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${info.plural}.${GROUP}` },
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: {
      kind: info.kind,
      listKind: `${info.kind}List`,
      plural: info.plural,
      singular: info.kind.toLowerCase(),
      shortNames: [info.shortName],
      categories: [CATEGORY],
    },
    versions: [
      {
        name: VERSION,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: info.columns,
        schema: { openAPIV3Schema: toSchema(info) },
      },
    ],
  },
});

/** The schema of the whole object; apiVersion, kind and metadata are the API server's own. */
export const toSchema = (info: KindInfo): Structural => ({
  type: 'object',
  description: info.description,
  required: ['spec'],
  'x-kubernetes-validations': [NAME_RULE],
  properties: {
    spec: { description: 'What is asked for.', ...toStructural(info.spec) },
    status: statusSchema(info),
  },
});

/** The default conditions belong to the status as a whole: they stand until somebody writes a status. */
const statusSchema = (info: KindInfo): Structural => {
  const schema = toStructural(info.status);
  const { default: pendingConditions, ...conditions } = schema.properties?.['conditions'] ?? {};
  return {
    description: 'What is.',
    ...schema,
    default: { conditions: pendingConditions },
    properties: { ...schema.properties, conditions },
  };
};
