/** The three kinds: names, schemas and columns, for the CRDs, the parser and the reference. */
import { z } from 'zod';

import { appWeightMatrixSpec, appWeightMatrixStatus } from './app-weight-matrix.ts';
import { dnsLabel } from './common.ts';
import type { KindName } from './group.ts';
import { realServerSpec, realServerStatus } from './real-server.ts';
import { tcpVirtualServerSpec, tcpVirtualServerStatus } from './tcp-virtual-server.ts';

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** Above 0: shown by `-o wide` alone. */
  readonly priority?: number;
}

export interface KindInfo {
  readonly kind: KindName;
  readonly plural: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly columns: readonly PrinterColumn[];
}

const conditionColumn = (name: string, type: string): PrinterColumn => ({
  name,
  type: 'string',
  jsonPath: `.status.conditions[?(@.type=="${type}")].status`,
  description: `Status of the condition ${type}.`,
});

const tail: readonly PrinterColumn[] = [
  conditionColumn('Ready', 'Ready'),
  {
    name: 'Reason',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
    description: 'Why it is ready or not.',
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since it was made.' },
];

const column = (
  name: string,
  type: PrinterColumn['type'],
  jsonPath: string,
  description: string,
  priority?: number,
): PrinterColumn => ({ name, type, jsonPath, description, ...(priority === undefined ? {} : { priority }) });

export const kindInfos: Readonly<Record<KindName, KindInfo>> = {
  TcpVirtualServer: {
    kind: 'TcpVirtualServer',
    plural: 'tcpvirtualservers',
    shortName: 'tvs',
    description: 'A service that listens and whose requests are dispatched.',
    spec: tcpVirtualServerSpec,
    status: tcpVirtualServerStatus,
    columns: [
      column('Scheduler', 'string', '.spec.scheduler', 'How destinations are chosen.'),
      column('Ports', 'string', '.status.ports', 'Ports and protocols.'),
      column('Rules', 'integer', '.status.ruleCount', 'Number of rules.'),
      column('Programmed', 'integer', '.status.replicas.programmed', 'Proxies that serve this generation.'),
      column('Replicas', 'integer', '.status.replicas.total', 'Proxies there are.', 1),
      column('Suspended', 'boolean', '.spec.suspend', 'Whether it is stopped.', 1),
      ...tail,
    ],
  },
  RealServer: {
    kind: 'RealServer',
    plural: 'realservers',
    shortName: 'rsv',
    description: "A host that serves: a fixed address, a cluster node, a pool of nodes, or a Service's endpoints.",
    spec: realServerSpec,
    status: realServerStatus,
    columns: [
      column('Host', 'string', '.status.host', 'What the server is.'),
      column('Endpoints', 'integer', '.status.endpoints.total', 'Endpoints there are.'),
      column('Available', 'integer', '.status.endpoints.ready', 'Endpoints that take new work.'),
      column('Quiesce', 'boolean', '.spec.quiesce', 'Whether it takes no new work.'),
      conditionColumn('Healthy', 'Healthy'),
      ...tail,
    ],
  },
  AppWeightMatrix: {
    kind: 'AppWeightMatrix',
    plural: 'appweightmatrices',
    shortName: 'awm',
    description: 'Weights over hosts x apps: rows are real servers, columns are apps.',
    spec: appWeightMatrixSpec,
    status: appWeightMatrixStatus,
    columns: [
      column('Mode', 'string', '.spec.mode', 'Which weights rule.'),
      column('Apps', 'integer', '.status.appCount', 'Number of columns.'),
      column('Servers', 'integer', '.status.rowCount', 'Number of rows.'),
      column('Cells', 'integer', '.status.cellCount', 'Number of cells.', 1),
      conditionColumn('On-Target', 'OnTarget'),
      ...tail,
    ],
  },
};

/** Metadata as the parser reads it. What is not named here is Kubernetes' own and let through. */
export const objectMeta = z.looseObject({
  name: dnsLabel,
  namespace: dnsLabel.default('default'),
  uid: z.string().max(256).exactOptional(),
  resourceVersion: z.string().max(256).exactOptional(),
  generation: z.int().min(0).exactOptional(),
  creationTimestamp: z.string().max(64).exactOptional(),
});

export type ObjectMeta = z.output<typeof objectMeta>;
