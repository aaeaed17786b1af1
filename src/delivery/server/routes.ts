import type { IncomingMessage, ServerResponse } from 'node:http';

import type { DeliveryLog } from '../contract.ts';
import {
  FORMAT,
  parseBody,
  piecesRequestSchema,
  reportRequestSchema,
  type SyncRequest,
  syncRequestSchema,
  WireError,
} from '../wire.ts';
import type { HeldSyncs } from './held.ts';
import type { Offers } from './offers.ts';
import type { Priors } from './priors.ts';
import type { Replicas } from './replicas.ts';
import { answer, readBody, refuse, Refused, type RefusalReason } from './requests.ts';
import type { Identity, TokenGate } from './tokens.ts';

export interface Parts {
  readonly className: string;
  readonly log: DeliveryLog;
  readonly gate: TokenGate;
  readonly offers: Offers;
  readonly held: HeldSyncs;
  readonly replicas: Replicas;
  readonly priors: Priors;
  /** Bytes of bodies that were answered. */
  readonly sent: (bytes: number) => void;
  readonly refused: (reason: RefusalReason) => void;
}

type Handler = (parts: Parts, identity: Identity, body: Buffer, response: ServerResponse) => void;

const ROUTES: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  [
    '/v1/sync',
    (parts, identity, body, response) => {
      const request = parseBody(syncRequestSchema, body);
      checkRelease(parts, request);
      parts.replicas.sync(identity, request);
      parts.held.hold(identity.podUid, request, response);
    },
  ],
  [
    '/v1/pieces',
    ({ offers, sent }, _, body, response) => {
      const pieces = offers.pieces(parseBody(piecesRequestSchema, body).hashes);
      sent(pieces.length);
      answer(response, pieces);
    },
  ],
  [
    '/v1/report',
    ({ replicas, priors }, identity, body, response) => {
      const report = parseBody(reportRequestSchema, body);
      const next = replicas.report(identity, report, body.length);
      if (next === null)
        throw new Refused(409, 'body', 'base: not the last report that is known here; send all, with base 0');
      const news = priors.news(report.priors);
      const more = news === null ? {} : { priors: news };
      answer(response, Buffer.from(JSON.stringify({ next, replicas: replicas.live, ...more })));
    },
  ],
]);

/** Never throws. Who asks is known before the path is looked at, so that nobody else learns anything. */
export async function serve(parts: Parts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.on('error', () => response.destroy());
  response.sendDate = false;
  try {
    const identity = await parts.gate.admit(request.headers.authorization, request.socket.remoteAddress ?? '');
    const handler = ROUTES.get(request.url ?? '');
    if (handler === undefined)
      throw new Refused(404, 'path', `no such path; there is ${[...ROUTES.keys()].join(', ')}`);
    if (request.method !== 'POST') throw new Refused(405, 'path', 'this path takes POST');
    handler(parts, identity, await readBody(request), response);
  } catch (error) {
    // The client has gone while its body was read.
    if (response.destroyed || request.errored !== null) return;
    const refused = asRefused(error);
    if (refused.reason === 'internal') parts.log.error({ err: error }, 'a request of a proxy failed');
    parts.refused(refused.reason);
    refuse(request, response, refused);
  }
}

function asRefused(error: unknown): Refused {
  if (error instanceof Refused) return error;
  if (error instanceof WireError) return new Refused(400, 'body', error.message);
  return new Refused(500, 'internal', 'internal error, see the log of the controller');
}

function checkRelease({ className }: Parts, request: SyncRequest): void {
  if (request.className !== className) {
    const message = `className: read ${JSON.stringify(request.className)}, this controller serves ${JSON.stringify(className)}`;
    throw new Refused(409, 'release', message);
  }
  if (request.format < FORMAT) {
    const message = `format: the proxy (${request.version}) understands ${request.format}, this controller speaks ${FORMAT}`;
    throw new Refused(409, 'release', `${message}; upgrade the proxy, meanwhile it serves what it has`);
  }
}
