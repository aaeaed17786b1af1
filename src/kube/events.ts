import { createHash } from 'node:crypto';

import type { Log } from '../telemetry/log.ts';
import { isTransient } from './api-error.ts';
import type { Api } from './api.ts';
import { type Clock, systemClock } from './clock.ts';
import { microTime } from './lease.ts';
import { collectionPath, type KubeObject, objectPath, type Resource } from './resource.ts';
import { DONE, type Outcome, WorkQueue, type WorkQueueMeasures } from './work-queue.ts';

export const EVENTS: Resource = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event' };

export interface Happening {
  readonly regarding: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>;
  readonly type: 'Normal' | 'Warning';
  /** One word in CamelCase, as a condition's. */
  readonly reason: string;
  /** What was done or found: one word. */
  readonly action: string;
  /** For people. */
  readonly note: string;
}

export interface EventRecorderOptions {
  readonly api: Api;
  /** `tcpvs.io/controller`. */
  readonly controller: string;
  /** Name of the pod. */
  readonly instance: string;
  readonly log: Log;
  readonly clock?: Clock;
}

/** The same again within this time is told by a number, not by another event. */
const SERIES = 10 * 60_000;
/** That number is written at most so often. */
const SERIES_PACE = 30_000;
/** Events that are remembered for that; the oldest are forgotten first. */
const REMEMBERED = 2000;
/** Notes are cut by the API beyond 1024 bytes, by refusing the event. */
const NOTE = 1000;

interface Known {
  readonly path: string;
  readonly event: KubeObject;
  readonly namespace: string;
  at: number;
  count: number;
  /** What the API has of `count`; 0: nothing yet. */
  written: number;
  writtenAt: number;
  lastTime: string;
}

/**
 * Events for `kubectl describe` and `kubectl events`. They are a courtesy: written in the background at a modest pace,
 * dropped where the API does not take them, and never waited for.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #queue: WorkQueue;
  readonly #known = new Map<string, Known>();
  #dropped = 0;

  constructor(options: EventRecorderOptions) {
    const { clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#queue = new WorkQueue({
      process: (key) => this.#write(key),
      pace: { perSecond: 10, burst: 50 },
      backoff: { first: 500, most: 30_000, jitter: 0.2 },
      clock,
    });
  }

  /** Events that were given up. */
  get dropped(): number {
    return this.#dropped;
  }

  record(happening: Happening): void {
    const { regarding, type, reason, action, note } = happening;
    const key = [regarding.metadata.uid, type, reason, action, note].join(' ');
    const now = this.#clock.now();
    const known = this.#known.get(key);
    const time = microTime(new Date());
    if (known !== undefined && now - known.at < SERIES) {
      known.at = now;
      known.count++;
      known.lastTime = time;
    } else {
      this.#known.delete(key);
      this.#known.set(key, this.#toEvent(happening, now, time));
      this.#forget();
    }
    this.#queue.add(key);
  }

  /** Resolves when what was recorded is written, or given up. */
  whenWritten(): Promise<void> {
    return this.#queue.whenIdle();
  }

  get queue(): WorkQueueMeasures {
    return this.#queue.measures;
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  #toEvent({ regarding, type, reason, action, note }: Happening, now: number, time: string): Known {
    const { controller, instance } = this.#options;
    const { namespace = 'default', name, uid, resourceVersion } = regarding.metadata;
    const salt = createHash('sha256').update(`${uid} ${type} ${reason} ${action} ${note} ${time}`).digest('hex');
    const event: KubeObject = {
      apiVersion: 'events.k8s.io/v1',
      kind: EVENTS.kind,
      metadata: { namespace, name: `${name.slice(0, 220)}.${salt.slice(0, 16)}` },
      eventTime: time,
      reportingController: controller,
      reportingInstance: instance.slice(0, 128),
      action,
      reason,
      type,
      note: cut(note),
      regarding: { apiVersion: regarding.apiVersion, kind: regarding.kind, namespace, name, uid, resourceVersion },
    };
    const path = objectPath(EVENTS, namespace, event.metadata.name);
    return { path, event, namespace, at: now, count: 1, written: 0, writtenAt: -Infinity, lastTime: time };
  }

  async #write(key: string): Promise<Outcome> {
    const known = this.#known.get(key);
    if (known === undefined || known.count === known.written) return DONE;
    const wait = known.writtenAt + SERIES_PACE - this.#clock.now();
    if (known.written > 0 && wait > 0) return { kind: 'Again', after: wait };
    const { api, log } = this.#options;
    const { count, lastTime } = known;
    try {
      if (known.written === 0) {
        const series = count > 1 ? { series: { count, lastObservedTime: lastTime } } : {};
        await api.call('POST', collectionPath(EVENTS, known.namespace), { body: { ...known.event, ...series } });
      } else {
        await api.call('PATCH', known.path, {
          contentType: 'application/merge-patch+json',
          body: { series: { count, lastObservedTime: lastTime } },
        });
      }
    } catch (error) {
      const why = (error as Error).message;
      if (isTransient(error)) return { kind: 'Retry', why };
      // It has run out, or the object's namespace is on its way out: not worth another try.
      this.#dropped++;
      this.#known.delete(key);
      log.debug(`an event was given up: ${why}`);
      return DONE;
    }
    known.written = count;
    known.writtenAt = this.#clock.now();
    return known.count === known.written ? DONE : { kind: 'Again', after: SERIES_PACE };
  }

  #forget(): void {
    for (const key of this.#known.keys()) {
      if (this.#known.size <= REMEMBERED) return;
      this.#known.delete(key);
      this.#queue.remove(key);
    }
  }
}

/** At a character's end. */
function cut(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= NOTE) return note;
  return `${bytes
    .subarray(0, NOTE)
    .toString()
    .replace(/\uFFFD$/, '')}…`;
}
