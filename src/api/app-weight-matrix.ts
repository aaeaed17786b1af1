/** AppWeightMatrix: the weights over hosts x apps; rows are real servers, columns are apps. */
import { z } from 'zod';

import { atomicList, listMap, withRules } from './cel.ts';
import {
  className,
  classIsImmutable,
  decimal,
  dnsLabel,
  dnsSubdomain,
  duration,
  fraction,
  quantity,
  serviceRef,
  text,
  weight,
} from './common.ts';
import { conditions, observedGeneration, pending, statusTime } from './status.ts';

/** Above it, one changed cell takes seconds of API time, and 20,000 no longer fit a request to etcd. */
export const MAX_CELLS = 2048;
/** Cells of one row. */
const MAX_ROW = 128;

const resources = z.strictObject({
  cpu: quantity.exactOptional().describe('Core-seconds.'),
  io: quantity.exactOptional().describe('Bytes of storage.'),
  net: quantity.exactOptional().describe('Bytes of network.'),
});

const instances = z.int().min(0).max(100_000).exactOptional();

const app = withRules(
  z.strictObject({
    name: dnsLabel.describe('Name of the app, the column.'),
    serviceRef: serviceRef.exactOptional().describe('Its Service; needed where a row is a node server.'),
    workloadRef: z
      .strictObject({
        apiVersion: text(253).min(1).default('apps/v1').describe('API version of the workload.'),
        kind: z.enum(['Deployment', 'StatefulSet']).describe('Kind of the workload; it has a scale.'),
        name: dnsSubdomain.describe('Name of the workload, in the same namespace.'),
      })
      .exactOptional()
      .describe('What runs the app; needed where placement is Manage. Apps with the same one share its instances.'),
    demand: z
      .strictObject({ rate: decimal.describe('Requests per second.') })
      .exactOptional()
      .describe('Demand that is given; learned where absent.'),
    profile: resources.exactOptional().describe('Cost of one request at low concurrency; learned where absent.'),
    minInstances: instances.describe('Fewest instances; default 2 where placement is Manage.'),
    maxInstances: instances.describe('Most instances; default: no bound but the hosts.'),
    startCost: decimal.exactOptional().describe('Cost of a start beside that of another app; default 1.'),
    startSeconds: z
      .int()
      .min(0)
      .max(86_400)
      .exactOptional()
      .describe('Time from start to ready; learned where absent.'),
    value: decimal.exactOptional().describe('Worth of one request; default: its dominant share of a mean host.'),
  }),
  [
    {
      cel: '!has(self.minInstances) || !has(self.maxInstances) || self.minInstances <= self.maxInstances',
      message: 'minInstances not above maxInstances',
      fieldPath: '.minInstances',
      holds: (self) =>
        self.minInstances === undefined || self.maxInstances === undefined || self.minInstances <= self.maxInstances,
    },
  ],
);

const cell = z.strictObject({
  app: dnsLabel.describe('Name of an app of this matrix.'),
  weight: weight.describe("The cell's weight; share = weight / sum of the app's weights. 0 takes no new work."),
  cap: z
    .int()
    .min(1)
    .max(1_000_000)
    .exactOptional()
    .describe(
      'Most requests of the app in flight at the server, over all proxies; what is over goes to other servers of the app, or waits in the queue of its virtual server. Absent: as many as the server takes.',
    ),
});

const row = z.strictObject({
  server: dnsLabel.describe('Name of a RealServer of the same namespace.'),
  weights: listMap(cell.describe('A cell.'), 'app', MAX_ROW)
    .default([])
    .describe('Weights of the apps on this server.'),
});

const placement = z.strictObject({
  actuate: z.enum(['None', 'Manage']).default('None').describe('Manage: workloads are scaled and placed, too.'),
  caps: z
    .enum(['None', 'Computed'])
    .default('None')
    .describe(
      "Computed: cells get caps as well, each server's capacity.requests divided by the work that is planned there. A cap that spec.rows gives stays.",
    ),
  interval: duration.default('60s').describe('Time between two computations.'),
  maxChangesPerCycle: z.int().min(0).max(1000).default(4).describe('Most starts and stops in one cycle.'),
  changeCost: fraction.default('0.01').describe("Cost of a start or stop as a fraction of a mean host's value."),
  utilization: fraction.default('0.8').describe('Part of the capacity that is planned with; the only safety margin.'),
  paused: z.boolean().default(false).describe('Freezes weights and placement at once.'),
});

/** What holds where an object says nothing of placement. */
export const DEFAULT_PLACEMENT = placement.parse({});

export const appWeightMatrixSpec = withRules(
  z.strictObject({
    className,
    mode: z
      .enum(['Static', 'Recommend', 'Auto'])
      .default('Static')
      .describe(
        'Static: spec.rows rule. Recommend: also computes, and shows it in status. Auto: computed weights rule.',
      ),
    apps: listMap(app.describe('A column.'), 'name', 512).default([]).describe('The columns.'),
    rows: listMap(row.describe('A row.'), 'server', 512).default([]).describe('The rows.'),
    placement: placement.exactOptional().describe('How weights and placement are computed.'),
  }),
  [
    {
      cel: `!has(self.rows) || self.rows.map(r, has(r.weights) ? size(r.weights) : 0).sum() <= ${MAX_CELLS}`,
      message: `at most ${MAX_CELLS} cells in one matrix; use a second matrix`,
      fieldPath: '.rows',
      holds: (self) => self.rows.reduce((sum, each) => sum + each.weights.length, 0) <= MAX_CELLS,
    },
    {
      cel:
        "!has(self.placement) || self.placement.actuate != 'Manage' || !has(self.apps) ||" +
        ' self.apps.all(a, has(a.workloadRef))',
      message: 'a workloadRef for each app, because placement is Manage',
      fieldPath: '.apps',
      holds: (self) =>
        self.placement?.actuate !== 'Manage' || self.apps.every((each) => each.workloadRef !== undefined),
    },
    {
      cel:
        "!has(self.placement) || self.placement.actuate != 'Manage' || !has(self.apps) || !has(self.rows) ||" +
        ` size(self.apps) <= ${MAX_ROW} && size(self.apps) * size(self.rows) <= ${MAX_CELLS}`,
      message: `at most ${MAX_ROW} apps, and at most ${MAX_CELLS} for apps times rows, because placement is Manage`,
      fieldPath: '.apps',
      holds: ({ placement: { actuate } = DEFAULT_PLACEMENT, apps, rows }) =>
        actuate !== 'Manage' || (apps.length <= MAX_ROW && apps.length * rows.length <= MAX_CELLS),
    },
  ],
  [classIsImmutable],
);

const computedRow = z.strictObject({
  server: dnsLabel.describe('Name of the RealServer.'),
  weights: listMap(cell.describe('A cell.'), 'app', MAX_ROW)
    .default([])
    .describe('Weights of the apps on this server.'),
  since: statusTime.exactOptional().describe('Since when the row is in force.'),
});

const computedRows = listMap(computedRow.describe('A row.'), 'server', 512).default([]);

const source = z
  .enum(['Default', 'Given', 'Learned'])
  .describe('Given in the spec, learned by measuring, or taken from what is like it.');

const figure = {
  value: decimal.describe('The number.'),
  upper: decimal.describe('What it exceeds with a probability of a fifth; planned with where more is worse.'),
  source,
};

const profile = z.strictObject({
  app: dnsLabel.describe('Name of the app.'),
  demand: z.strictObject(figure).exactOptional().describe('Requests per second; shed and failed ones are among them.'),
  seconds: z.strictObject(figure).exactOptional().describe('From the head of a request to the end of its answer.'),
  limit: z
    .strictObject({
      ...figure,
      peaked: z.boolean().describe('Throughput does not rise beyond it; else it was not seen to stop.'),
    })
    .exactOptional()
    .describe('Requests in flight at one endpoint that are planned with.'),
  cost: listMap(
    z
      .strictObject({ resource: z.enum(['cpu', 'io', 'net']).describe('What it is of.'), ...figure })
      .describe('Cost of one resource.'),
    'resource',
    3,
  )
    .exactOptional()
    .describe('Of one request: core-seconds, bytes.'),
});

export const appWeightMatrixStatus = z.strictObject({
  observedGeneration,
  conditions: conditions
    .default(pending(['Accepted', 'Programmed', 'Ready']))
    .describe('Accepted, ResolvedRefs, Programmed, OnTarget, Ready.'),
  appCount: z.int().min(0).max(512).exactOptional().describe('Number of columns.'),
  rowCount: z.int().min(0).max(512).exactOptional().describe('Number of rows.'),
  cellCount: z.int().min(0).max(65_536).exactOptional().describe('Number of cells.'),
  rows: computedRows.describe('The weights in force where they are computed, and since when.'),
  shares: atomicList(
    z
      .strictObject({
        app: dnsLabel.describe('Name of the app.'),
        server: dnsLabel.describe('Name of the RealServer.'),
        asked: fraction.describe('Share that the weights ask for.'),
        delivered: fraction.exactOptional().describe('Share that was counted; none where nothing was asked.'),
      })
      .describe('The share of a cell.'),
    2048,
  )
    .default([])
    .describe('Written when OnTarget flips, else at most every ten minutes.'),
  profiles: listMap(profile.describe('What is known of an app.'), 'app', 512)
    .exactOptional()
    .describe('What is asked of the apps and what their requests take.'),
  recommendation: z
    .strictObject({
      rows: computedRows.describe('Weights that would rule.'),
      changes: atomicList(
        z
          .strictObject({
            op: z.enum(['Start', 'Stop']).describe('What would happen.'),
            app: dnsLabel.describe('Name of the app.'),
            server: dnsLabel.describe('Name of the RealServer.'),
            reason: text(1024).exactOptional().describe('Why.'),
          })
          .describe('A change.'),
        1000,
      )
        .default([])
        .describe('Starts and stops, in order.'),
      expected: z
        .strictObject({
          satisfied: fraction.exactOptional().describe('Part of the demand that would be served.'),
          utilization: fraction.exactOptional().describe('Highest utilisation of a host.'),
        })
        .exactOptional()
        .describe('What is expected of it.'),
      reason: text(4096).exactOptional().describe('Why these weights, and why they rule or do not.'),
    })
    .exactOptional()
    .describe('What was computed, where mode is not Static.'),
});

export type AppWeightMatrixSpec = z.output<typeof appWeightMatrixSpec>;
export type AppWeightMatrixStatus = z.output<typeof appWeightMatrixStatus>;
