import type { Api } from '../kube/api.ts';
import { EventRecorder, type Happening } from '../kube/events.ts';
import type { KubeObject } from '../kube/resource.ts';
import type { WorkQueueMeasures } from '../kube/work-queue.ts';
import type { Flip } from '../status/transitions.ts';
import type { Log } from '../telemetry/log.ts';

export interface AnnouncerOptions {
  readonly api: Api;
  /** Name of the pod. */
  readonly instance: string;
  readonly log: Log;
}

/** Conditions whose flips are worth an Event and a line; the others follow from these. */
const WORTH: ReadonlySet<string> = new Set(['Accepted', 'ResolvedRefs', 'Programmed', 'Healthy', 'OnTarget']);

/** Tells people of what has turned: by an Event at the object, and in the log. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #recorder: EventRecorder;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#recorder = new EventRecorder({ ...options, controller: 'tcpvs.io/controller' });
  }

  get queue(): WorkQueueMeasures {
    return this.#recorder.queue;
  }

  get dropped(): number {
    return this.#recorder.dropped;
  }

  flipped(object: KubeObject, { object: name, condition, from }: Flip): void {
    const { type, status, reason, message } = condition;
    // What is well from the beginning, and what is not known yet, is no news.
    const isNews = status === 'False' || from === 'False' || (type === 'Programmed' && status === 'True');
    if (!WORTH.has(type) || status === 'Unknown' || !isNews) return;
    const isBad = status === 'False' && reason !== 'Suspended';
    const text = `${name}: ${type} is ${status}, ${reason}: ${message}`;
    const fields = { object: name, condition: type, status, reason };
    if (isBad) this.#options.log.warn(fields, text);
    else this.#options.log.info(fields, text);
    this.#recorder.record({
      regarding: object,
      type: isBad ? 'Warning' : 'Normal',
      reason,
      action: type,
      note: `${type} is ${status}: ${message}`,
    });
  }

  /** What was done, or could not be. */
  happened(happening: Happening): void {
    this.#recorder.record(happening);
  }

  close(): Promise<void> {
    return this.#recorder.close();
  }
}
