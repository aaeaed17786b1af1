import { randomUUID } from 'node:crypto';

import type { ApiObject, ObjectsWrite } from '../admin/contract.ts';
import { Refusal } from '../admin/refusal.ts';
import type { Log } from '../telemetry/log.ts';
import type { TlsSecret } from '../translate/cluster-state.ts';
import { CertificateFiles } from './certificate-files.ts';
import { Changes } from './changes.ts';
import { displayPath } from './display-path.ts';
import { ConfigFiles } from './files.ts';
import { type Layers, nextLayers, sameObjects } from './layers.ts';
import { mergeFiles } from './merge.ts';
import {
  type Fault,
  faultText,
  type FileObject,
  idOf,
  type ObjectId,
  type ParseFile,
  withoutServerFields,
} from './objects.ts';
import { type Base, currentOverlay, type Overlay } from './overlay.ts';
import { rehearsalText } from './rehearsal.ts';
import type { KeptState, StateDirectory } from './state-directory.ts';
import { PathWatch } from './watch.ts';
import { overlayAfter } from './write.ts';

export interface SourceState {
  /** Grows with every change, also over restarts (it begins at the clock): what a write must name. */
  readonly revision: number;
  /** With uid, generation and creationTimestamp. */
  readonly objects: ReadonlyMap<ObjectId, ApiObject>;
  readonly secrets: ReadonlyMap<string, TlsSecret>;
  readonly faults: readonly Fault[];
  /** False: nothing could be read yet, and nothing was kept: this emptiness is not a configuration. */
  readonly known: boolean;
}

export interface SourceOptions {
  readonly config: string;
  readonly parse: ParseFile;
  readonly stateDirectory: StateDirectory | null;
  readonly log: Log;
  /** Milliseconds between two looks at all files, for what events do not tell. */
  readonly rescan?: number;
}

/** `noticed`: when the change was first seen, by `performance.now()`. */
export type ChangeListener = (state: SourceState, noticed: number) => void;

/** How long a change that takes objects away must stand: a file that is being replaced is absent, or cut short, for a moment. */
const REMOVAL_SETTLES = 40;
/** What files say is kept a little later, so that a burst of changes is one write; what tcpvsadm says at once. */
const KEEP_DELAY = 200;
/** Faults of one change that are logged one by one; a directory of something else altogether may have thousands. */
const MOST_REPORTED = 50;

/** The objects as files and tcpvsadm give them. One change at a time. */
export class StandaloneSource {
  /** Called after every change; set it before anything can change, that is in the turn in which `open` resolved. */
  onChange: ChangeListener = () => undefined;
  readonly #options: SourceOptions;
  readonly #files: ConfigFiles;
  readonly #certificates: CertificateFiles;
  readonly #changes = new Changes((noticed) =>
    this.#enqueue(() => this.#load(noticed, { all: false, settled: false })),
  );
  readonly #watch: PathWatch;
  #queue: Promise<unknown> = Promise.resolve();
  #layers: Layers;
  #good: ReadonlyMap<string, readonly FileObject[]>;
  /** Secrets of the manifests. */
  #given: ReadonlyMap<string, TlsSecret> = new Map();
  #lastGood: ReadonlyMap<ObjectId, unknown>;
  #state: SourceState;
  #reported = new Set<string>();
  #keepTimer: NodeJS.Timeout | null = null;
  #closed = false;

  private constructor(options: SourceOptions, kept: KeptState | null) {
    this.#options = options;
    this.#good = kept !== null && kept.config === options.config ? kept.files : new Map();
    this.#files = new ConfigFiles(options.config, options.parse, this.#good);
    this.#certificates = new CertificateFiles(options.config);
    this.#layers = {
      base: new Map(),
      overlay: kept?.overlay ?? new Map(),
      identities: kept?.identities ?? new Map(),
      given: new Map(),
      objects: new Map(),
    };
    this.#lastGood = kept?.lastGood ?? new Map();
    this.#state = { revision: Date.now(), objects: new Map(), secrets: new Map(), faults: [], known: kept !== null };
    this.#watch = new PathWatch({
      root: options.config,
      rescan: options.rescan ?? 1000,
      onEvent: (tick) => (tick ? this.#changes.tick() : this.#changes.event()),
      onError: (message) => options.log.warn(`${message}; its changes are found by looking now and then`),
    });
  }

  /** Reads everything once. Errors: a state directory that cannot be used. */
  static async open(options: SourceOptions): Promise<StandaloneSource> {
    const kept = await options.stateDirectory?.read((message) => options.log.error(message));
    const source = new StandaloneSource(options, kept ?? null);
    await source.#enqueue(() => source.#load(performance.now(), { all: true, settled: true }));
    return source;
  }

  get state(): SourceState {
    return this.#state;
  }

  /** Last good specs of objects whose present one is not accepted, as `keepLastGood` was told, also before a restart. */
  get lastGood(): ReadonlyMap<ObjectId, unknown> {
    return this.#lastGood;
  }

  keepLastGood(lastGood: ReadonlyMap<ObjectId, unknown>): void {
    this.#lastGood = lastGood;
    this.#keepSoon();
  }

  /** As SIGHUP: reads every file again. Resolves when what was read is the state. */
  reload(): Promise<void> {
    return this.#enqueue(() => this.#load(performance.now(), { all: true, settled: true }));
  }

  /**
   * What tcpvsadm asks for, all of it or nothing; it is kept before it is in force. `judge` sees the state that would
   * be, and throws to refuse it. Errors: Refusal.
   */
  write(write: ObjectsWrite, judge: (candidate: SourceState) => void): Promise<SourceState> {
    return this.#enqueue(async () => {
      if (this.#closed) throw new Refusal(503, 'the server is shutting down');
      const { revision } = this.#state;
      if (write.revision !== revision) {
        throw new Refusal(
          409,
          `the objects have changed: their revision is ${revision}, the write names ${write.revision}`,
        );
      }
      const { base, overlay, given } = this.#layers;
      const layers = this.#next(base, overlayAfter(write, base, overlay, given));
      if (sameObjects(layers, this.#layers)) return this.#state;
      const state = { ...this.#state, ...(await this.#withCertificates(layers)), revision: revision + 1 };
      judge(state);
      await this.#keep(layers).catch((error: unknown) => {
        throw new Refusal(507, `nothing was changed, since it could not be kept: ${(error as Error).message}`);
      });
      this.#announce(layers, state, performance.now());
      return state;
    });
  }

  /**
   * Takes over what another process has kept since we began: during a hot restart the old one answers tcpvsadm until we
   * are ready. To be called just before, and before the first write of ours.
   */
  adopt(): Promise<void> {
    return this.#enqueue(async () => {
      const kept = await this.#options.stateDirectory?.read((message) => this.#options.log.error(message));
      if (kept === null || kept === undefined || this.#closed) return;
      const layers = this.#next(this.#layers.base, currentOverlay(this.#layers.base, kept.overlay));
      if (sameObjects(layers, this.#layers)) return;
      const revision = this.#state.revision + 1;
      const state = { ...this.#state, ...(await this.#withCertificates(layers)), revision };
      this.#announce(layers, state, performance.now());
    });
  }

  /** The state as a change of some manifests would make it; what is read and said remains as it is. */
  rehearsed(): SourceState {
    const text = rehearsalText(this.#layers.given);
    if (text === null) return this.#state;
    const base = new Map(this.#layers.base);
    for (const entry of this.#options.parse(text, 'rehearsal').objects) {
      base.set(idOf(entry.object), { ...entry, object: withoutServerFields(entry.object), file: 'rehearsal' });
    }
    return { ...this.#state, objects: this.#next(base, currentOverlay(base, this.#layers.overlay)).objects };
  }

  /** Stops watching, and keeps what is to be kept (unless another process does so already). */
  async close({ keep } = { keep: true }): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    this.#changes.close();
    if (this.#keepTimer !== null) clearTimeout(this.#keepTimer);
    await this.#enqueue(async () => {
      if (keep) await this.#keepOrReport();
    });
  }

  async #load(noticed: number, how: { all: boolean; settled: boolean }): Promise<void> {
    if (this.#closed) return;
    const began = performance.now();
    const files = await this.#files.load(how.all);
    if (files.settlesIn !== null) this.#changes.later(files.settlesIn);
    const merged = mergeFiles(files.good, this.#layers.base, (file) => displayPath(this.#options.config, file));
    const removes =
      [...this.#layers.base.keys()].some((id) => !merged.base.has(id)) ||
      [...this.#given.keys()].some((key) => !files.secrets.has(key));
    if (!removes || how.settled) this.#changes.clear();
    else if (!this.#changes.settled(REMOVAL_SETTLES, began)) return;
    this.#good = files.good;
    this.#given = files.secrets;
    const faults = [...files.faults, ...merged.faults];
    this.#report(faults);
    const overlay = currentOverlay(merged.base, this.#layers.overlay);
    this.#reportDropped(overlay);
    const layers = this.#next(merged.base, overlay);
    const { revision, known } = this.#state;
    const certificates = await this.#certificates.load(layers.objects.values(), how.all);
    this.#watch.update(files.directories, certificates.directories);
    const secrets = this.#secrets([...files.secrets, ...certificates.secrets]);
    const unchanged = sameObjects(layers, this.#layers) && secrets === this.#state.secrets;
    const state = {
      revision: unchanged ? revision : revision + 1,
      objects: layers.objects,
      secrets,
      faults,
      known: known || files.good.size > 0 || faults.length === 0,
    };
    const same = state.revision === revision && state.known === known && sameFaults(faults, this.#state.faults);
    if (same) this.#layers = layers;
    else this.#announce(layers, state, noticed);
  }

  /** The same map as long as all that is in it is the same. */
  #secrets(list: readonly (readonly [string, TlsSecret])[]): ReadonlyMap<string, TlsSecret> {
    const { secrets } = this.#state;
    const next = new Map(list);
    const same = next.size === secrets.size && [...next].every(([key, secret]) => secrets.get(key) === secret);
    return same ? secrets : next;
  }

  /** With the certificates that the objects name now. */
  async #withCertificates({ objects }: Layers): Promise<Pick<SourceState, 'objects' | 'secrets'>> {
    const { secrets } = await this.#certificates.load(objects.values());
    return { objects, secrets: this.#secrets([...this.#given, ...secrets]) };
  }

  #next(base: Base, overlay: Overlay): Layers {
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    return nextLayers(this.#layers, base, overlay, now, randomUUID);
  }

  #announce(layers: Layers, state: SourceState, noticed: number): void {
    this.#layers = layers;
    this.#state = state;
    this.#keepSoon();
    this.onChange(state, noticed);
  }

  /** Once per change: a fault that stands is not said again, one that is gone is. */
  #report(faults: readonly Fault[]): void {
    const texts = new Set(faults.map(faultText));
    const fresh = faults.filter((fault) => !this.#reported.has(faultText(fault)));
    for (const fault of fresh.slice(0, MOST_REPORTED)) {
      this.#options.log.error({ file: fault.file, line: fault.line }, faultText(fault));
    }
    if (fresh.length > MOST_REPORTED)
      this.#options.log.error(`and ${fresh.length - MOST_REPORTED} faults more; /v1/status has all`);
    if (texts.size === 0 && this.#reported.size > 0)
      this.#options.log.info('the configuration is free of faults again');
    this.#reported = texts;
  }

  #reportDropped(overlay: Overlay): void {
    for (const id of this.#layers.overlay.keys()) {
      if (!overlay.has(id))
        this.#options.log.info({ object: id }, `${id}: its manifest changed after tcpvsadm did, and counts`);
    }
  }

  #keepSoon(): void {
    if (this.#options.stateDirectory === null || this.#keepTimer !== null || this.#closed) return;
    this.#keepTimer = setTimeout(() => {
      this.#keepTimer = null;
      void this.#enqueue(() => this.#keepOrReport());
    }, KEEP_DELAY).unref();
  }

  async #keepOrReport(): Promise<void> {
    try {
      await this.#keep(this.#layers);
    } catch (error) {
      this.#options.log.error(`the state could not be kept: ${(error as Error).message}`);
    }
  }

  async #keep({ overlay, identities }: Layers): Promise<void> {
    const { config, stateDirectory } = this.#options;
    await stateDirectory?.write({ config, files: this.#good, overlay, identities, lastGood: this.#lastGood });
  }

  #enqueue<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(job);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

function sameFaults(a: readonly Fault[], b: readonly Fault[]): boolean {
  return a.length === b.length && a.every((fault, i) => faultText(fault) === faultText(b[i] ?? fault));
}
