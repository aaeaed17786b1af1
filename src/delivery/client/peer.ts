import { setTimeout as sleep } from 'node:timers/promises';

import type { CountsDocument } from '../../model/counts.ts';
import type { SampledWindow } from '../../model/samples.ts';
import type { Piece, Snapshot } from '../../model/snapshot.ts';
import { keysId } from '../keys.ts';
import type { Publication } from '../wire.ts';
import {
  FORMAT,
  HOLD,
  type KnownPriors,
  type Manifest,
  manifestSchema,
  parseBody,
  piecesAnswerSchema,
  type SyncRequest,
  WireError,
} from '../wire.ts';
import { Assembly, PiecesGone } from './assembly.ts';
import type { Answer, Connection } from './connection.ts';
import type { Verdict } from './follow.ts';
import type { InForce } from './in-force.ts';
import { asSent, Reporting } from './reporting.ts';

export interface PeerOptions {
  readonly address: string;
  readonly connection: Connection;
  readonly version: string;
  readonly className: string;
  readonly inForce: InForce;
  readonly assembly: Assembly;
  /** Kept from before: nothing older is taken, and its pieces are not fetched again. */
  readonly kept: Publication | null;
  readonly events: PeerEvents;
}

export interface PeerEvents {
  reached(peer: Peer): void;
  /** `why`: for people, without anything secret. */
  failed(peer: Peer, why: string): void;
  refused(peer: Peer, id: string, why: RefusedWhy, message: string): void;
  received(bytes: number): void;
}

export type RefusedWhy = 'older' | 'dissent' | 'damaged' | 'format';

/** Milliseconds. A sync is held for 25 s; the others are answered at once. */
const SYNC_SILENCE = HOLD + 10_000;
const SILENCE = 10_000;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5000;
/** Before a replica that disagrees is asked again; doubled each time. */
const FIRST_DOUBT = 20;
/** Rounds that are shorter and bring nothing, and how many of them are nothing unusual. */
const SHORT = 500;
const FREE = 3;
/** Where both sides are well and do not fit together: it takes an upgrade. */
const UNWELCOME_PAUSE = 10_000;

/** One controller replica: a sync is always on its way to it. */
export class Peer {
  readonly address: string;
  readonly #options: PeerOptions;
  readonly #reporting: Reporting;
  readonly #abort = new AbortController();
  /** Answers, since its last failure. */
  #reached = false;
  /** Its process, by the name that it gives itself. */
  #server: string | null = null;
  #tried = false;
  #refused: string | null = null;
  /** In a row: it said something else of what the one that is followed has seen too. */
  #dissents = 0;
  /** Ends a wait for the one that is followed. */
  #nap = new AbortController();
  /** The difference did not fit: everything is asked for once. */
  #whole = false;
  /** Rounds in a row that were short and brought nothing. */
  #fruitless = 0;

  constructor(options: PeerOptions) {
    this.#options = options;
    this.address = options.address;
    this.#reporting = new Reporting((body) => options.connection.post('/v1/report', body, SILENCE));
    void this.#run();
  }

  get isReached(): boolean {
    return this.#reached;
  }

  /** Has failed since it was last reached, or was never reached. */
  get hasFailed(): boolean {
    return this.#tried && !this.#reached;
  }

  get server(): string | null {
    return this.#server;
  }

  wantsReport(now: number): boolean {
    return this.#reached && this.#reporting.isDue(now);
  }

  /** How many proxies it knows; null: it has not said. */
  get replicas(): number | null {
    return this.#reporting.replicas;
  }

  /** Priors of adaptive limits; null: it has not said. */
  get priors(): KnownPriors | null {
    return this.#reporting.priors;
  }

  async report(counts: CountsDocument, windows: readonly SampledWindow[]): Promise<void> {
    // What fails here fails in the sync too, and is told there.
    await this.#reporting.send(counts, windows).catch(() => undefined);
  }

  /** What is programmed has changed without a sync: the next report says so, and is due. */
  acknowledge(): void {
    this.#reporting.acknowledge(this.#options.inForce.programmed);
  }

  /** Something else is in force, or another replica has failed: what it waited for may be over. */
  wake(): void {
    this.#nap.abort();
  }

  close(): void {
    this.#abort.abort();
    this.#options.connection.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const started = performance.now();
        const fruitful = await this.#sync();
        failures = 0;
        this.#fruitless = fruitful || performance.now() - started > SHORT ? 0 : this.#fruitless + 1;
        if (this.#fruitless > FREE) await this.#pause(pauseAfter(this.#fruitless - FREE - 1));
      } catch (error) {
        if (signal.aborted) return;
        this.#tried = true;
        this.#reached = false;
        this.#reporting.reset();
        this.#options.events.failed(this, (error as Error).message);
        const pause = pauseAfter(failures++);
        await this.#pause(error instanceof Unwelcome ? UNWELCOME_PAUSE : pause);
      }
    }
  }

  /** Whether something came of it. Errors: no answer, one that is no manifest. */
  async #sync(): Promise<boolean> {
    const { inForce, connection, events } = this.#options;
    const base = inForce.snapshot ?? this.#options.kept?.snapshot ?? null;
    const request = this.#request();
    const { status, body } = await connection.post('/v1/sync', JSON.stringify(request), SYNC_SILENCE);
    if (status !== 200 && status !== 204) throw refusal(status, body);
    const whole = this.#whole;
    this.#whole = false;
    if (!this.#reached) {
      this.#tried = this.#reached = true;
      events.reached(this);
    }
    if (status === 204) return this.#agreed();
    const received = performance.now();
    events.received(body.length);
    const manifest = parseBody(manifestSchema, body) as Manifest;
    if (manifest.server !== this.#server) this.#reporting.reset();
    this.#server = manifest.server;
    try {
      return await this.#take(manifest, { base, received, asked: request.have });
    } catch (error) {
      if (error instanceof PiecesGone) return false;
      if (!(error instanceof WireError)) throw error;
      // Once more from the beginning; what is damaged then too is not asked for again.
      if (manifest.base === null || whole) return this.#refuse(manifest.id, 'damaged', error.message);
      this.#whole = true;
      return false;
    }
  }

  #request(): SyncRequest {
    const { inForce, kept, version, className } = this.#options;
    const { snapshot, programmed } = inForce;
    return {
      format: FORMAT,
      version,
      className,
      have: this.#whole ? null : (snapshot?.id ?? null),
      keys: inForce.keys,
      versions: snapshot === null ? (kept?.versions ?? {}) : inForce.versions,
      refused: this.#refused,
      // A first answer tells that the other side is well, and knows us; one after a dissent, that it is over.
      hold: this.#reached && this.#dissents === 0,
      programmed: programmed === null ? null : asSent(programmed),
    };
  }

  async #take(manifest: Manifest, { base, received, asked }: Round): Promise<boolean> {
    const { inForce, assembly } = this.#options;
    const { format, server, id, versions, keys } = manifest;
    if (format > FORMAT) {
      const message = `it has format ${format}, this proxy understands ${FORMAT}: upgrade the proxy`;
      return this.#refuse(id, 'format', message);
    }
    const first = inForce.judge({ server, id, versions, keys: keysId(keys) });
    if (first.kind !== 'take') return await this.#conclude(id, first, asked);
    const snapshot = await assembly.assemble(manifest, base, (hashes) => this.#fetch(hashes));
    const verdict = await inForce.take(server, { snapshot, versions, keys }, received);
    return await this.#conclude(id, verdict, asked);
  }

  /** `asked`: the snapshot that the sync said to be there already. */
  async #conclude(id: string, verdict: Verdict, asked: string | null): Promise<boolean> {
    if (verdict.kind === 'older') return this.#refuse(id, 'older', 'it is older than what is served');
    if (verdict.kind === 'dissent') {
      this.#options.events.refused(this, id, 'dissent', DISSENT);
      // A moment at first: most often one of the two is about to say what the other one said.
      return await this.#wait(Math.min(LONGEST_PAUSE, FIRST_DOUBT * 2 ** this.#dissents++));
    }
    if (verdict.kind === 'later') return await this.#wait(verdict.wait);
    this.#refused = null;
    this.#dissents = 0;
    // Known, since another replica was faster: the next sync acknowledges it to this one too.
    return verdict.kind === 'take' || asked !== id;
  }

  /** It has nothing for somebody who has what we have. */
  #agreed(): false {
    if (this.#dissents > 0 && this.#server !== null) this.#options.inForce.agreed(this.#server);
    this.#dissents = 0;
    return false;
  }

  /** For the one that is followed; over when something changes. */
  async #wait(milliseconds: number): Promise<true> {
    this.#nap = new AbortController();
    const signal = AbortSignal.any([this.#abort.signal, this.#nap.signal]);
    await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
    return true;
  }

  #refuse(id: string, why: RefusedWhy, message: string): false {
    this.#refused = id;
    this.#options.events.refused(this, id, why, message);
    return false;
  }

  async #fetch(hashes: readonly string[]): Promise<readonly Piece[]> {
    const { connection, events } = this.#options;
    const { status, body } = await connection.post('/v1/pieces', JSON.stringify({ hashes }), SILENCE);
    if (status !== 200) throw refusal(status, body);
    events.received(body.length);
    return parseBody(piecesAnswerSchema, body).pieces;
  }

  async #pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#abort.signal }).catch(() => undefined);
  }
}

const DISSENT = 'it has seen what the one that is followed has seen, and says something else';

const pauseAfter = (failures: number): number =>
  Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** failures) * (0.5 + Math.random() / 2);

interface Round {
  readonly base: Snapshot | null;
  /** By the clock of `performance.now()`. */
  readonly received: number;
  readonly asked: string | null;
}

/** The other side does not want to talk to us: other class, other release. */
class Unwelcome extends Error {}

function refusal(status: number, body: Answer['body']): Error {
  const message = `answered ${status}: ${messageOf(body)}`;
  return status === 409 ? new Unwelcome(message) : new Error(message);
}

function messageOf(body: Buffer): string {
  try {
    const { error } = JSON.parse(body.toString()) as { error?: unknown };
    return String(error).slice(0, 300);
  } catch {
    return 'without a reason';
  }
}
