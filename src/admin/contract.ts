/**
 * The admin API on the Unix socket, JSON both ways. An error is `{error: string}` with a 4xx/5xx status; a message names
 * what was wrong, where, and what was expected.
 *
 * GET  /healthz /readyz /metrics          (these three also on --admin HOST:PORT, and nothing else there)
 * GET  /v1/status      → StatusDocument   the objects with status, as a cluster would show them
 * GET  /v1/objects     → ObjectsDocument  the objects as they were given, and the revision that a write must name
 * POST /v1/objects     ObjectsWrite → ObjectsDocument; 409 where `revision` is not the present one; all or nothing
 * GET  /v1/counts      → CountsDocument   live counts, shares per cell
 * GET  /v1/profiles    → ProfilesDocument what the apps' requests take, as it was given and learned
 * GET  /v1/snapshot    → the Snapshot, without keys
 * GET  /v1/log-level   → {level}; PUT {level}
 * POST /v1/reload      as SIGHUP
 */
import type { Condition, ObjectStatus } from '../model/status.ts';

export type { CountsDocument } from '../model/counts.ts';
export type { ProfilesDocument } from '../model/profiles.ts';

export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly generation?: number;
    readonly [field: string]: unknown;
  };
  readonly spec: unknown;
}

export interface StatusDocument {
  readonly objects: readonly (ApiObject & {
    readonly status: Pick<ObjectStatus, 'observedGeneration'> & {
      readonly conditions: readonly (Condition & { readonly lastTransitionTime?: string })[];
    } & Record<string, unknown>;
  })[];
  /** What is wrong in the configuration's files now; while a file is faulty, what it said before stays. */
  readonly faults?: readonly {
    readonly file: string;
    readonly line: number | null;
    readonly column: number | null;
    readonly message: string;
  }[];
}

export interface ObjectsDocument {
  readonly revision: number;
  readonly objects: readonly ApiObject[];
}

export interface ObjectsWrite {
  /** The revision that the write was computed from. */
  readonly revision: number;
  readonly apply: readonly ApiObject[];
  readonly delete: readonly { readonly kind: string; readonly namespace: string; readonly name: string }[];
}
