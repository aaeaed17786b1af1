/**
 * What is known of each endpoint: active checks, ejections, probes that bring it back. One record per endpoint, whatever
 * points to it. Decides nothing about rows: it says which endpoints changed, and the planner makes new epochs.
 */
import { WARM } from '../../model/plan.ts';
import type { HealthCheck } from '../../model/snapshot.ts';
import type { FromWorker } from '../messages.ts';
import type { EndpointState } from '../plan/endpoints.ts';
import type { Availability } from '../plan/memory.ts';
import { DOWN, type SharedState } from '../shared.ts';
import type { Log } from './log.ts';
import type { Probe } from './probe.ts';
import { TurnLog } from './turn-log.ts';

/** Consecutive failures other than a connection that is refused, or forbidden, that eject an endpoint. */
const STRIKES = 5;
/** Probes of an ejected endpoint: the first after half a second, then twice as long each time. */
const FIRST_PROBE = 500;
const LAST_PROBE = 30_000;
/** Ejected again this soon after it was let in: the intervals go on growing. */
const RELAPSE = 30_000;
/** Of WARM. */
const COLD = 1;
/** Milliseconds between two steps, at least: each gives a row new slots, and those of the epochs before rest for ten seconds. */
const STEP_PER_ROW = 1;

export class Health implements Availability {
  readonly #options: HealthOptions;
  readonly #turns: TurnLog;
  readonly #records = new Map<number, EndpointRecord>();
  #order = 0;
  /** How warm an endpoint is that nobody knew: those of the first snapshot are all alike. */
  #first = WARM;
  #closed = false;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#turns = new TurnLog(options.log);
  }

  readonly checkFailed = (slot: number): boolean => this.#records.get(slot)?.up === false;
  readonly ejected = (slot: number): number => this.#records.get(slot)?.ejected ?? 0;
  readonly warmth = (slot: number): number => this.#records.get(slot)?.warmth ?? this.#first;

  /**
   * The endpoint is new, or its real servers or rows are not what they were. Takes off its bits in shared memory that hold
   * no longer: who comes back must be choosable when its new epoch begins.
   * @returns the bits that hold from the new epochs on, for `bar` to set once those are in force: until then it may be the
   * only one that the old epoch of some row has
   */
  update(endpoint: EndpointState): number {
    const facts = this.#options.facts(endpoint);
    let record = this.#records.get(endpoint.slot);
    if (record !== undefined && record.endpoint !== endpoint) {
      this.remove(endpoint.slot);
      record = undefined;
    }
    if (record === undefined) {
      record = newRecord(endpoint, this.#first);
      this.#records.set(endpoint.slot, record);
    }
    if (!sameCheck(record.check, facts.check)) this.#setCheck(record, facts.check);
    const bits = bitsOf(record, facts);
    Atomics.and(this.#options.shared.down, endpoint.slot, bits);
    if (bits !== 0) cool(record);
    else if (record.warmth < WARM && record.stopWarming === null) this.#warm(record, facts);
    return bits;
  }

  /** The first snapshot is in force: endpoints that come from now on come to others that serve. */
  begun(): void {
    this.#first = COLD;
  }

  /** Sets the bits that `update` named, as far as they still hold. */
  bar(endpoint: EndpointState, bits: number): void {
    const record = this.#records.get(endpoint.slot);
    if (record === undefined || record.endpoint !== endpoint) return;
    Atomics.or(this.#options.shared.down, endpoint.slot, bits & bitsOf(record, this.#options.facts(endpoint)));
  }

  remove(slot: number): void {
    const record = this.#records.get(slot);
    if (record === undefined) return;
    clearTimeout(record.checkTimer);
    clearTimeout(record.probeTimer);
    cool(record);
    record.gone = true;
    this.#turns.forget(slot);
    this.#records.delete(slot);
  }

  suspect(slot: number, reason: Extract<FromWorker, { type: 'suspect' }>['reason']): void {
    const record = this.#records.get(slot);
    // A worker may speak of a slot that has been freed meanwhile.
    if (record === undefined) return;
    record.strikes++;
    if (record.ejected > 0) {
      // The worker took it out at once; where it is spared, that must not last.
      if (record.endpoint.sparedIn.size > 0) Atomics.and(this.#options.shared.down, slot, ~DOWN.ejected);
      return;
    }
    if (reason !== 'refused' && reason !== 'forbidden' && record.strikes < STRIKES) return;
    const now = performance.now();
    record.ejected = ++this.#order;
    record.successes = 0;
    record.interval = now - record.admittedAt < RELAPSE ? Math.min(record.interval * 2, LAST_PROBE) : FIRST_PROBE;
    const fields = { ...where(record), reason, strikes: record.strikes };
    this.#turns.say(slot, { level: 'warn', fields, message: 'endpoint ejected' });
    this.#scheduleProbe(record);
    this.#options.changed(slot);
  }

  cleared(slot: number): void {
    const record = this.#records.get(slot);
    if (record === undefined) return;
    record.strikes = 0;
    // Where it is spared, it still gets requests: their answers are as good as a probe. Else it is one from before.
    if (record.ejected > 0 && record.endpoint.sparedIn.size > 0) this.#admit(record);
  }

  /** It fails, and is asked all the same, because half of some row is out already. */
  isSpared(slot: number): boolean {
    const record = this.#records.get(slot);
    return record !== undefined && record.ejected > 0 && record.endpoint.sparedIn.size > 0;
  }

  close(): void {
    this.#closed = true;
    for (const slot of this.#records.keys()) this.remove(slot);
  }

  /** It is choosable, and not warm: step by step it gets its share, where its real servers want that. */
  #warm(record: EndpointRecord, { slowStart }: EndpointFacts): void {
    record.stopWarming = null;
    if (slowStart === 0) record.warmth = WARM;
    if (record.warmth === WARM) return;
    const tenth = slowStart / WARM;
    const step = Math.max(tenth, record.endpoint.rows.size * STEP_PER_ROW);
    record.stopWarming = this.#options.after(step, () => {
      record.warmth = Math.min(WARM, record.warmth + Math.max(1, Math.round(step / tenth)));
      this.#warm(record, this.#options.facts(record.endpoint));
      this.#options.changed(record.endpoint.slot);
    });
  }

  #setCheck(record: EndpointRecord, check: HealthCheck | null): void {
    clearTimeout(record.checkTimer);
    record.check = check;
    record.successes = record.failures = 0;
    if (check === null) {
      if (!record.up) {
        record.up = true;
        this.#options.changed(record.endpoint.slot);
      }
      return;
    }
    // Spread over the interval, so that 1,000 endpoints are not asked in the same instant.
    this.#scheduleCheck(record, check, this.#options.random() * check.interval);
  }

  #scheduleCheck(record: EndpointRecord, check: HealthCheck, delay: number): void {
    record.checkTimer = setTimeout(() => void this.#check(record, check), delay);
    record.checkTimer.unref();
  }

  async #check(record: EndpointRecord, check: HealthCheck): Promise<void> {
    const problem = await this.#options.probe(record.endpoint, check);
    if (record.gone || this.#closed || record.check !== check) return;
    if (problem === null) {
      record.failures = 0;
      if (++record.successes >= check.healthy) {
        if (!record.up) this.#turn(record, true, null);
        if (record.ejected > 0) this.#admit(record);
      }
    } else {
      record.successes = 0;
      if (++record.failures >= check.unhealthy && record.up) this.#turn(record, false, problem);
    }
    this.#scheduleCheck(record, check, check.interval);
  }

  #turn(record: EndpointRecord, up: boolean, problem: string | null): void {
    record.up = up;
    if (up) this.#options.log.info(where(record), 'endpoint is healthy');
    else {
      // At once; the new epochs follow.
      Atomics.or(this.#options.shared.down, record.endpoint.slot, DOWN.check);
      this.#options.log.warn({ ...where(record), problem }, 'endpoint fails its checks');
    }
    this.#options.changed(record.endpoint.slot);
  }

  #scheduleProbe(record: EndpointRecord): void {
    record.probeTimer = setTimeout(() => void this.#probe(record), record.interval);
    record.probeTimer.unref();
  }

  async #probe(record: EndpointRecord): Promise<void> {
    const problem = await this.#options.probe(record.endpoint, record.check);
    if (record.gone || this.#closed || record.ejected === 0) return;
    if (problem !== null) {
      record.interval = Math.min(record.interval * 2, LAST_PROBE);
      this.#scheduleProbe(record);
      return;
    }
    this.#admit(record);
  }

  #admit(record: EndpointRecord): void {
    clearTimeout(record.probeTimer);
    record.ejected = 0;
    record.strikes = 0;
    record.admittedAt = performance.now();
    const { slot } = record.endpoint;
    this.#turns.say(slot, { level: 'info', fields: where(record), message: 'endpoint is back' });
    this.#options.changed(slot);
  }
}

export interface HealthOptions {
  readonly shared: SharedState;
  readonly log: Log;
  readonly probe: Probe;
  /** 0 … 1. */
  readonly random: () => number;
  /** What the real servers say that name the endpoint. */
  readonly facts: (endpoint: EndpointState) => EndpointFacts;
  /** Calls after so many milliseconds, unless what it returns is called before. */
  readonly after: (milliseconds: number, run: () => void) => () => void;
  /** Its availability, or its warmth, is not what it was. */
  readonly changed: (slot: number) => void;
}

export interface EndpointFacts {
  readonly check: HealthCheck | null;
  /** All of its real servers are quiesced. */
  readonly quiesced: boolean;
  /** Milliseconds in which it comes to its whole share; 0 = at once. */
  readonly slowStart: number;
}

interface EndpointRecord {
  readonly endpoint: EndpointState;
  check: HealthCheck | null;
  /** By its active checks; without any, it is up. */
  up: boolean;
  successes: number;
  failures: number;
  /** Failures in a row that workers told of. */
  strikes: number;
  /** Order of its ejection; 0 = it is not ejected. */
  ejected: number;
  /** Milliseconds to the next probe. */
  interval: number;
  admittedAt: number;
  /** COLD … WARM; while it is out, COLD. */
  warmth: number;
  /** Null: it does not become warmer. */
  stopWarming: (() => void) | null;
  checkTimer: NodeJS.Timeout | undefined;
  probeTimer: NodeJS.Timeout | undefined;
  gone: boolean;
}

function newRecord(endpoint: EndpointState, warmth: number): EndpointRecord {
  return {
    endpoint,
    check: null,
    up: true,
    successes: 0,
    failures: 0,
    strikes: 0,
    ejected: 0,
    interval: FIRST_PROBE,
    admittedAt: -Infinity,
    warmth,
    stopWarming: null,
    checkTimer: undefined,
    probeTimer: undefined,
    gone: false,
  };
}

function cool(record: EndpointRecord): void {
  record.stopWarming?.();
  record.stopWarming = null;
  record.warmth = COLD;
}

function sameCheck(a: HealthCheck | null, b: HealthCheck | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.path === b.path &&
    a.interval === b.interval &&
    a.timeout === b.timeout &&
    a.healthy === b.healthy &&
    a.unhealthy === b.unhealthy
  );
}

function bitsOf({ endpoint, up, ejected }: EndpointRecord, { quiesced }: EndpointFacts): number {
  let bits = up ? 0 : DOWN.check;
  // Spared by some row: it must be choosable there; the rows that are without it know by their plan.
  if (ejected > 0 && endpoint.sparedIn.size === 0) bits |= DOWN.ejected;
  if (quiesced) bits |= DOWN.quiesced;
  return bits;
}

const where = ({ endpoint }: EndpointRecord) => ({ address: endpoint.address, port: endpoint.port });
