/**
 * What proxies and controller replicas say to each other: JSON in both directions, over HTTPS, with a bearer token.
 *
 * POST /v1/sync   SyncRequest → 200 Manifest, as soon as there is something newer | 204 after at most 25 s
 * POST /v1/pieces PiecesRequest → 200 PiecesAnswer
 * POST /v1/report ReportRequest → 200 ReportAnswer | 409: send everything, with base 0
 *
 * An error is `{error: string}` with a 4xx/5xx status. Neither side believes the other: every body is parsed by these
 * schemas, and nothing in it is longer than they say. Unknown fields are ignored, so that a newer release may say more.
 */
import { z } from 'zod';

import { TIMES } from '../model/answer-times.ts';
import { INSTANTS, MOST_AT_ONCE, MOST_SAMPLED } from '../model/samples.ts';
import type { Piece, Snapshot } from '../model/snapshot.ts';
import type { Keys } from './contract.ts';
import type { Versions } from './versions.ts';

/**
 * Raised when a body, or what may stand in a snapshot, changes so that a proxy of a release before would serve it wrongly.
 * Such a proxy is told so, and keeps what it has.
 */
export const FORMAT = 1;

/** Milliseconds that a sync is held at most. */
export const HOLD = 25_000;

/** Bytes. A sync is a few hundred; reports are cut into parts that are smaller, but for a row of tens of thousands of cells. */
export const MAX_REQUEST = 4 << 20;
/** Pieces of about a megabyte each, and the names of a hundred thousand, fit. */
export const MAX_ANSWER = 64 << 20;
/** Pieces travel inside of a manifest up to this sum of bytes; a change is hardly ever more. */
export const INLINE_BYTES = 256 << 10;
/** Bytes after which an answer to PiecesRequest ends; what is not there yet is asked for again. */
export const PIECES_BYTES = 4 << 20;
export const PIECES_AT_ONCE = 1000;

const MAX_PIECES = 500_000;
export const MOST_PRIORS = 10_000;
const hash = z.string().regex(/^[0-9a-f]{16}$/);
const word = z.string().min(1).max(64);
/** `namespace/name`, with more behind it for some kinds. */
const key = z.string().min(1).max(1024);
const message = z.string().max(2048);
const count = z.int().min(0);
const versionsSchema = z
  .record(z.string().min(1).max(128), z.string().regex(/^(?:0|[1-9]\d{0,38})$/))
  .refine((versions) => Object.keys(versions).length <= 64, 'at most 64 types');

export const programmedSchema = z.object({
  snapshot: z.string().max(64),
  listeners: z
    .array(z.object({ address: z.string().max(64), port: z.int().min(0).max(65_535), error: message.nullable() }))
    .max(4096),
  error: message.exactOptional(),
});

/** What a proxy has and serves: the sync that follows a change is its acknowledgement. */
export const syncRequestSchema = z.object({
  format: z.int().min(1),
  /** Of the proxy's program. */
  version: word,
  className: word,
  /** Snapshot and keys (by hash) that it has; null: none. */
  have: hash.nullable(),
  keys: hash.nullable(),
  versions: versionsSchema,
  /** The snapshot that it was offered last, and does not take: it is not to be offered again. */
  refused: hash.nullable(),
  /** False: to be answered at once, also that there is nothing. */
  hold: z.boolean(),
  programmed: programmedSchema.nullable(),
});
export type SyncRequest = z.infer<typeof syncRequestSchema>;

/** `[kind, key, hash]` */
const nameSchema = z.tuple([word, key, hash]);
export type PieceName = z.infer<typeof nameSchema>;
/** What is in it is guaranteed by its hash, not by a schema: whoever has it compares the two. */
const pieceSchema = z.looseObject({ kind: word, key, hash }) as unknown as z.ZodType<Piece>;
const keysSchema = z.object({
  cookies: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(16),
  tickets: z.array(z.string().regex(/^[0-9a-f]{96}$/)).max(16),
});

export const manifestSchema = z.object({
  format: z.int().min(1),
  /** Of the replica's process, at random. */
  server: word,
  id: hash,
  versions: versionsSchema,
  /** The snapshot that it is the difference to; null: `pieces` names all there are. */
  base: hash.nullable(),
  pieces: z.array(nameSchema).max(MAX_PIECES),
  removed: z.array(z.tuple([word, key])).max(MAX_PIECES),
  /** Some of `pieces`, or all. */
  inline: z.array(pieceSchema).max(MAX_PIECES),
  keys: keysSchema,
});

export interface Manifest {
  readonly format: number;
  readonly server: string;
  readonly id: string;
  readonly versions: Versions;
  readonly base: string | null;
  readonly pieces: readonly PieceName[];
  readonly removed: readonly (readonly [kind: string, key: string])[];
  readonly inline: readonly Piece[];
  readonly keys: Keys;
}

export const piecesRequestSchema = z.object({ hashes: z.array(hash).min(1).max(PIECES_AT_ONCE) });
/** Those that the server has; after PIECES_BYTES it ends. */
export const piecesAnswerSchema = z.object({ pieces: z.array(pieceSchema).max(PIECES_AT_ONCE) });

const identity = z.string().max(1024);
/** `[server, app, weight, available, epochRequests, requests, retries, sticky, failures, scaled?]`; shares follow from these. */
const cellSchema = z
  .tuple([
    identity,
    z.string().max(256).nullable(),
    z.int().min(0).max(65_535),
    z.int().min(0).max(1),
    count,
    count,
    count,
    count,
    count,
    z.int().min(0).max(65_535).optional(),
  ])
  .rest(z.unknown());
/** `[index of the cell, answered, seconds, timeouts, shed, times?]` */
const workSchema = z
  .tuple([count, count, z.number().min(0), count, count, z.array(count).max(TIMES).optional()])
  .rest(z.unknown());
/** `[index of the cell, cap, in flight]` */
const capSchema = z.tuple([count, z.int().min(1).max(1_000_000), count]).rest(z.unknown());
/** `[id, epoch, cells, work?, caps?]`; work of the cells that have any, and so for caps. */
const rowSchema = z
  .tuple([
    identity,
    count,
    z.array(cellSchema).max(65_536),
    z.array(workSchema).max(65_536).optional(),
    z.array(capSchema).max(65_536).optional(),
  ])
  .rest(z.unknown());
/** `[server, address, port, active, available, down]` */
const endpointSchema = z
  .tuple([
    identity,
    z.string().max(256),
    z.int().min(0).max(65_535),
    count,
    z.int().min(0).max(1),
    z.array(word).max(8),
  ])
  .rest(z.unknown());

const perInstant = z.array(z.int().min(0).max(MOST_AT_ONCE)).max(INSTANTS);
/** `[row, server, address, port, requests in flight, answers]`, the last two by instant; see `model/samples.ts`. */
const sampledSchema = z
  .tuple([identity, z.string().max(256), z.string().max(256), z.int().min(0).max(65_535), perInstant, perInstant])
  .rest(z.unknown());
/** `[number, instants that it missed, endpoints]` */
const windowSchema = z
  .tuple([count, z.array(z.int().min(0).max(INSTANTS)).max(INSTANTS + 1), z.array(sampledSchema).max(MOST_SAMPLED)])
  .rest(z.unknown());
export type WindowReport = z.infer<typeof windowSchema>;

/** What a proxy has counted, as far as it is not what it said before; see `reports.ts`. */
export const reportRequestSchema = z.object({
  /** This report's number, and that of the one that it adds to; 0: it begins anew. */
  sequence: z.int().min(1),
  base: z.int().min(0),
  rows: z.array(rowSchema).max(65_536),
  rowsGone: z.array(identity).max(65_536),
  endpoints: z.array(endpointSchema).max(65_536),
  endpointsGone: z.array(z.tuple([identity, z.string().max(256), z.int()])).max(65_536),
  /** Where it has changed without a sync: a port that was taken is free. */
  programmed: programmedSchema.exactOptional(),
  /** Windows that are over since its last report. */
  samples: z.array(windowSchema).max(64).exactOptional(),
  /** Milliseconds since 1970 by its clock, when it sent this. */
  now: z.number().min(0).exactOptional(),
  /** Of the priors that it has, where it is to be told of other ones. */
  priors: hash.exactOptional(),
});
export type ReportRequest = z.infer<typeof reportRequestSchema>;

/** What throughput peaks at, as far as it is known: `[row, server, requests in flight at an endpoint, over all proxies]`. */
const priorsSchema = z.object({
  id: hash,
  known: z
    .array(z.tuple([identity, z.string().max(256), z.number().min(1).max(1_000_000)]).rest(z.unknown()))
    .max(MOST_PRIORS),
});
export type KnownPriors = z.infer<typeof priorsSchema>;

/** Milliseconds after which the next one is welcome, and how many proxies there are: they share rate limits. */
export const reportAnswerSchema = z.object({
  next: z.number().min(0).max(600_000),
  replicas: z.int().min(1).max(1_000_000).exactOptional(),
  priors: priorsSchema.exactOptional(),
});

/** As a proxy keeps it over a restart. */
export const keptSchema = z.object({
  format: z.int().min(1),
  id: hash,
  versions: versionsSchema,
  keys: keysSchema,
  pieces: z.array(pieceSchema).max(MAX_PIECES),
});

/** A snapshot as it is offered and kept. */
export interface Publication {
  readonly snapshot: Snapshot;
  readonly versions: Versions;
  readonly keys: Keys;
}

/** Errors: WireError, which says where in the body what was read is not what was expected. */
export function parseBody<T>(schema: z.ZodType<T>, body: Buffer): T {
  let json: unknown;
  try {
    json = JSON.parse(body.toString());
  } catch (error) {
    throw new WireError(`the body is not JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, 3);
  throw new WireError(issues.map(({ path, message: text }) => `${path.join('.') || 'body'}: ${text}`).join('; '));
}

export class WireError extends Error {}
