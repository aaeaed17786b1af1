/**
 * Cells and endpoints of rows that are alike are made once: the apps of a platform stand in the same few ways on the same
 * hosts, and what 5,000 rows share is also copied to each worker once. (5,000 apps on 3 hosts: 9 MB less in each thread.)
 * For the length of one planning only, so that nothing has to be found out about who still uses what.
 */
import type { CellPlan, EndpointPlan } from '../../model/plan.ts';
import type { EndpointRegistry } from './endpoints.ts';
import type { RowDraft } from './row-draft.ts';

export class RowShapes {
  readonly #endpoints: EndpointRegistry;
  readonly #known = new Map<string, RowShape>();

  constructor(endpoints: EndpointRegistry) {
    this.#endpoints = endpoints;
  }

  /** Takes slots for endpoints that are new. */
  of(draft: RowDraft): RowShape {
    const key = likeness(draft);
    let shape = this.#known.get(key);
    if (shape === undefined) this.#known.set(key, (shape = this.#make(draft)));
    return shape;
  }

  #make({ cells, endpoints }: RowDraft): RowShape {
    return {
      cells: cells.map((cell) => ({ ...cell })),
      endpoints: endpoints.map((endpoint) => ({
        cell: endpoint.cell,
        slot: this.#endpoints.slotOf(endpoint),
        address: endpoint.address,
        port: endpoint.port,
        available: endpoint.available,
        warmth: endpoint.warmth,
        maxConnections: endpoint.maxConnections,
        maxPending: endpoint.maxPending,
        isAdaptive: endpoint.isAdaptive,
        protocol: endpoint.protocol,
        tls: endpoint.tls,
        proxyProtocol: endpoint.proxyProtocol,
        guard: endpoint.guard,
      })),
      names: cellNames(cells),
    };
  }
}

/** What a row is apart from its app and its slots. */
export interface RowShape {
  readonly cells: readonly CellPlan[];
  readonly endpoints: readonly EndpointPlan[];
  /** What a cell's counts are kept under over the epochs: its real server, and a number where that stands there twice. */
  readonly names: readonly string[];
}

/** Equal for rows of the same shape. An endpoint's identity says all of it but what is decided per epoch. */
function likeness({ cells, endpoints }: RowDraft): string {
  let text = '';
  for (const { server, weight, scaled, available, cap = '', count } of cells)
    text += `${server} ${weight} ${scaled} ${available} ${cap} ${count}\n`;
  for (const { identity, available, warmth, maxConnections, maxPending } of endpoints)
    text += `${identity} ${available} ${warmth} ${maxConnections} ${maxPending}\n`;
  return text;
}

function cellNames(cells: RowDraft['cells']): string[] {
  const seen = new Map<string, number>();
  return cells.map(({ server }) => {
    const times = (seen.get(server) ?? 0) + 1;
    seen.set(server, times);
    return times === 1 ? server : `${server} #${times}`;
  });
}
