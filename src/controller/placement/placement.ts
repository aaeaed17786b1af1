/**
 * Computed weights in a cluster: the replica that leads computes them, from what all proxies report. They go into statuses, and from
 * there back to every replica, as an object's own do. A new leader begins with the weights that it finds there, and
 * proves anew what it predicts.
 */
import type { KubeObject } from '../../kube/resource.ts';
import type { CountsDocument } from '../../model/counts.ts';
import type { MatrixPlacement } from '../../model/placements.ts';
import type { ProfilesDocument } from '../../model/profiles.ts';
import type { ObjectKey } from '../../model/snapshot.ts';
import { SolverThread } from '../../placement/thread/solver-thread.ts';
import { PlacementManager } from '../../steering/placement-manager.ts';
import type { Log } from '../../telemetry/log.ts';
import type { ClusterState } from '../../translate/cluster-state.ts';
import { ClusterWorkloads, type ClusterWorkloadsOptions } from './cluster-workloads.ts';
import { WindowSums } from './window-sums.ts';

export interface PlacementOptions {
  readonly objects: () => Pick<ClusterState, 'matrices' | 'realServers' | 'cluster'>;
  readonly className: string;
  readonly profiles: () => ProfilesDocument;
  /** By uid of those that are ready; null: nothing was heard of it. */
  readonly proxies: () => ReadonlyMap<string, Heard | null>;
  /** Null: instances are not to be started or stopped. */
  readonly workloads: WorkloadsTerms | null;
  /** A matrix as the API has it; undefined: it is not there. */
  readonly present: (key: ObjectKey) => KubeObject | undefined;
  /** Other weights are to be put in force. */
  readonly onRows: () => void;
  readonly log: Log;
}

/** What is needed to see workloads and to write to them. */
export type WorkloadsTerms = Pick<ClusterWorkloadsOptions, 'api' | 'namespaces' | 'timing' | 'tell'>;

export interface Heard {
  readonly counts: CountsDocument;
  /** By the clock of `performance.now()`. */
  readonly lastContact: number;
}

/** Milliseconds: of a proxy that goes away, no more than what it counted in so long is lost. */
const WINDOW = 1000;

export class Placement {
  readonly #options: PlacementOptions;
  #leading: Leading | null = null;
  #ending: Promise<void> = Promise.resolve();

  constructor(options: PlacementOptions) {
    this.#options = options;
  }

  lead(leads: boolean): void {
    if (leads === (this.#leading !== null)) return;
    if (leads) this.#leading = new Leading(this.#options);
    else void this.close();
  }

  /** Of the matrices whose weights are computed; [] where this replica does not lead. */
  get placements(): readonly MatrixPlacement[] {
    return this.#leading?.manager.placements() ?? [];
  }

  async close(): Promise<void> {
    const leading = this.#leading;
    this.#leading = null;
    if (leading !== null) this.#ending = leading.close();
    await this.#ending;
  }
}

class Leading {
  readonly manager: PlacementManager;
  readonly #options: PlacementOptions;
  readonly #workloads: ClusterWorkloads | null;
  readonly #sums = new WindowSums();
  readonly #timer: NodeJS.Timeout;

  constructor(options: PlacementOptions) {
    this.#options = options;
    const { objects, className, profiles, workloads, proxies, present, onRows, log } = options;
    this.#workloads =
      workloads === null ? null : new ClusterWorkloads({ ...workloads, objects, className, proxies, present, log });
    this.manager = new PlacementManager({
      counts: () => Promise.resolve(this.#take()),
      proxies: (seconds) => this.#heard(seconds),
      solver: new SolverThread(),
      mode: 'Cluster',
      workloads: this.#workloads,
      objects,
      className,
      profiles,
      apply: onRows,
      keep: null,
      kept: null,
      log,
    });
    this.#timer = setInterval(() => this.#take(), WINDOW).unref();
    this.manager.start();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.manager.close({ keep: false });
    await this.#workloads?.close();
  }

  /** What the proxies have counted by now. */
  #take(): CountsDocument {
    const { objects, proxies } = this.#options;
    const wanted = new Set(
      [...objects().matrices].flatMap(([key, { spec }]) =>
        spec.mode === 'Static' ? [] : spec.apps.map(({ name }) => `matrix ${key} ${name}`),
      ),
    );
    const heard = wanted.size === 0 ? [] : [...proxies()];
    const documents = heard.flatMap(([uid, each]) => (each === null ? [] : [[uid, each.counts] as const]));
    this.#sums.take(new Map(documents), (row) => wanted.has(row));
    return this.#sums.document();
  }

  #heard(seconds: number): { heard: number; all: number } {
    const proxies = [...this.#options.proxies().values()];
    const since = performance.now() - 1000 * seconds;
    return { heard: proxies.filter((each) => each !== null && each.lastContact >= since).length, all: proxies.length };
  }
}
