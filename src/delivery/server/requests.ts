import type { IncomingMessage, ServerResponse } from 'node:http';

import { MAX_REQUEST } from '../wire.ts';

/** An answer that is an error, in words for who asked. */
export class Refused extends Error {
  readonly status: number;
  /** Short, for the metrics. */
  readonly reason: RefusalReason;

  constructor(status: number, reason: RefusalReason, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export const REFUSAL_REASONS = ['token', 'review', 'path', 'body', 'release', 'busy', 'internal'] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** The whole body. Errors: Refused, where it is longer than may be; a plain error where the client has gone. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_REQUEST) throw tooLong();
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Not destroyed where reading ends early: the answer is still to be written.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_REQUEST) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const tooLong = () => new Refused(413, 'body', `the body has more than ${MAX_REQUEST} bytes`);

/** `body` null: 204. */
export function answer(response: ServerResponse, body: Buffer | null): void {
  if (response.destroyed) return;
  if (body === null) {
    response.writeHead(204).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length }).end(body);
}

export function refuse(request: IncomingMessage, response: ServerResponse, { status, message }: Refused): void {
  if (response.destroyed || response.headersSent) return;
  const body = Buffer.from(`${JSON.stringify({ error: message })}\n`);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
  // What was not read of the body is not waited for, and cannot be told from a next request.
  const close = request.complete && status < 500 && status !== 401 ? {} : { Connection: 'close' };
  response.writeHead(status, { ...headers, ...close }).end(body);
}
