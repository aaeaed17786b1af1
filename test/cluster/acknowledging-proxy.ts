/** Stands for a proxy pod where only its conversation with controllers matters: takes snapshots, and says what it serves. */
import { Agent, request } from 'node:https';

import { keysId } from '../../src/delivery/keys.ts';
import { diffCounts, NO_COUNTS } from '../../src/delivery/reports.ts';
import { FORMAT, type Manifest, type SyncRequest } from '../../src/delivery/wire.ts';
import type { CountsDocument } from '../../src/model/counts.ts';

/** Milliseconds between two reports. */
const REPORTS = 200;

export interface AcknowledgingProxyOptions {
  /** Of all controllers, as a proxy speaks to each of them. */
  readonly ports: readonly number[];
  /** PEM of what controllers are trusted by. */
  readonly bundle: string;
  readonly serverName: string;
  readonly token: string;
  readonly className?: string;
  /** Of a snapshot that it has got: what it says of it; null: nothing, it is still busy. Default: it serves it. */
  readonly program?: (snapshot: string) => SyncRequest['programmed'];
  /** What it reports of its counts, over and over; default: nothing. */
  readonly counts?: () => CountsDocument;
}

/** Pieces by `KIND key`, as the last manifest has left them. */
export interface AcknowledgingProxy {
  readonly pieces: ReadonlyMap<string, Record<string, any>>;
  readonly snapshot: string | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly keys: Manifest['keys'] | null;
  /** Statuses of answers that were no snapshot. */
  readonly refusals: readonly number[];
  /** Resolves when something holds, which is looked at after every answer. */
  until(holds: () => boolean): Promise<void>;
  close(): Promise<void>;
}

export function startAcknowledgingProxy(options: AcknowledgingProxyOptions): AcknowledgingProxy {
  const { ports, bundle, serverName, token, className = 'tcpvs', program, counts } = options;
  const agent = new Agent({ keepAlive: true, ca: bundle, servername: serverName, maxCachedSessions: 0 });
  const abort = new AbortController();
  const pieces = new Map<string, Record<string, any>>();
  const refusals: number[] = [];
  const waiting = new Set<() => void>();
  const state: { snapshot: string | null; versions: Record<string, string>; keys: Manifest['keys'] | null } = {
    snapshot: null,
    versions: {},
    keys: null,
  };

  const post = (port: number, path: string, body: object) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const headers = { Authorization: `Bearer ${token}` };
      const where = { host: '127.0.0.1', port, path, method: 'POST', agent, headers, signal: abort.signal };
      const asked = request(where, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      asked.on('error', reject);
      asked.end(JSON.stringify(body));
    });

  const take = async (port: number, { id, versions, base, pieces: names, removed, inline, keys }: Manifest) => {
    // Another controller was faster.
    if (base !== null && base !== state.snapshot) return;
    const here = new Map(inline.map((piece) => [piece.hash, piece as unknown as Record<string, any>]));
    const lacking = names.map(([, , hash]) => hash).filter((hash) => !here.has(hash));
    while (lacking.length > 0) {
      const { text } = await post(port, '/v1/pieces', { hashes: lacking.slice(0, 1000) });
      const { pieces: got } = JSON.parse(text) as { pieces: Record<string, any>[] };
      if (got.length === 0) throw new Error('pieces are not there');
      for (const piece of got) here.set(piece['hash'] as string, piece);
      lacking.splice(0, lacking.length, ...lacking.filter((hash) => !here.has(hash)));
    }
    if (base === null) pieces.clear();
    for (const [kind, key] of removed) pieces.delete(`${kind} ${key}`);
    for (const [kind, key, hash] of names) pieces.set(`${kind} ${key}`, here.get(hash) ?? {});
    Object.assign(state, { snapshot: id, versions, keys });
  };

  const once = async (port: number) => {
    const { snapshot, versions, keys } = state;
    const programmed = snapshot === null ? null : (program ?? serves)(snapshot);
    const sync: SyncRequest = {
      format: FORMAT,
      version: '0',
      className,
      have: snapshot,
      keys: keys === null ? null : keysId(keys),
      versions,
      refused: null,
      hold: true,
      programmed,
    };
    const { status, text } = await post(port, '/v1/sync', sync);
    if (status === 400) throw new Error(`what this proxy says is not understood: ${text}`);
    if (status === 200) await take(port, JSON.parse(text) as Manifest);
    else refusals.push(status);
    for (const each of waiting) each();
    return status;
  };
  const loop = async (port: number) => {
    while (!abort.signal.aborted) {
      const status = await once(port).catch((error: Error) => {
        if (error.message.startsWith('what this proxy')) process.stderr.write(`${error.message}\n`);
        return 0;
      });
      if (status !== 200 && status !== 204) await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const report = async (port: number) => {
    if (counts === undefined) return;
    for (let sequence = 1; !abort.signal.aborted; sequence++) {
      const [body] = diffCounts(NO_COUNTS, counts());
      if (body !== undefined) await post(port, '/v1/report', { sequence, base: 0, ...body }).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, REPORTS));
    }
  };
  const ended = Promise.all([...ports.map(loop), ...ports.map(report)]);
  return {
    pieces,
    refusals,
    get snapshot() {
      return state.snapshot;
    },
    get versions() {
      return state.versions;
    },
    get keys() {
      return state.keys;
    },
    until: (holds) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!holds()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    close: async () => {
      abort.abort();
      await ended;
      agent.destroy();
    },
  };
}

const serves = (snapshot: string) => ({ snapshot, listeners: [] });
