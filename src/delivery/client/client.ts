/** Snapshots for a proxy, from all replicas of its controller. */
import type { Snapshot } from '../../model/snapshot.ts';
import type { Serving } from '../../proxy/serving-contract.ts';
import type { Family } from '../../telemetry/exposition.ts';
import type { ConfigState } from '../../telemetry/metrics.ts';
import { RateLimit } from '../../telemetry/rate-limit.ts';
import type { DeliveryLog } from '../contract.ts';
import type { KnownPriors, Publication } from '../wire.ts';
import { Assembly } from './assembly.ts';
import { Connection } from './connection.ts';
import { FreshFile } from './fresh-file.ts';
import { InForce } from './in-force.ts';
import { Kept } from './kept.ts';
import { clientFamilies } from './metrics.ts';
import { Peer, type PeerEvents, type RefusedWhy } from './peer.ts';
import { Peers, type Resolve, resolveHost } from './peers.ts';

export interface DeliveryClientOptions {
  /** Host name with one address per replica (or an address), and the port of all. */
  readonly host: string;
  readonly port: number;
  /** PEM of the authorities that are trusted; the bearer token. Both may change at any time. */
  readonly bundleFile: string;
  readonly tokenFile: string;
  /** Where the last good snapshot is kept; null: nowhere. */
  readonly stateDirectory: string | null;
  readonly serving: Pick<
    Serving,
    'configure' | 'setCookieKeys' | 'setTicketKeys' | 'setReplicas' | 'setPriors' | 'countsInSlices' | 'samples'
  >;
  readonly log: DeliveryLog;
  /** Of this program. */
  readonly version: string;
  readonly className: string;
  /** Called once, when the first snapshot is in force. */
  readonly onFirst: () => void;
  readonly resolve?: Resolve;
  /** Whether what is written to a directory stays in memory. */
  readonly livesInMemory?: (directory: string) => Promise<boolean>;
}

/** Milliseconds that the controllers have to answer, before what was kept is served. */
const CONTROLLERS_FIRST = 2000;
/** How often counts are looked at. */
const LOOK = 1000;

export class DeliveryClient {
  readonly #options: DeliveryClientOptions;
  readonly #keptSnapshots: Kept | null;
  readonly #kept: Publication | null;
  readonly #inForce: InForce;
  readonly #peers: Peers;
  readonly #rate = new RateLimit({ burst: 3, interval: 30_000 });
  readonly #timers: NodeJS.Timeout[];
  readonly #counts = {
    received: 0,
    failures: 0,
    refused: new Map<RefusedWhy, number>([
      ['older', 0],
      ['dissent', 0],
      ['damaged', 0],
      ['format', 0],
    ]),
  };
  /** Priors that were taken, of whichever controller, and among how many proxies they are divided. */
  readonly #taken = new WeakSet<KnownPriors>();
  #sharedBy = 0;
  #fellBack = false;
  #counting = false;
  #closed = false;

  /** Errors: a state directory that cannot be made. */
  static async start(options: DeliveryClientOptions): Promise<DeliveryClient> {
    const { stateDirectory, log } = options;
    const keptSnapshots = stateDirectory === null ? null : await Kept.open(stateDirectory, log, options.livesInMemory);
    return new DeliveryClient(options, keptSnapshots, (await keptSnapshots?.read()) ?? null);
  }

  private constructor(options: DeliveryClientOptions, keptSnapshots: Kept | null, kept: Publication | null) {
    const { serving, log } = options;
    this.#options = options;
    this.#keptSnapshots = keptSnapshots;
    this.#kept = kept;
    this.#inForce = new InForce({
      serving,
      kept: keptSnapshots,
      log,
      onFirst: options.onFirst,
      isReached: (server) => this.#reached.some((peer) => peer.server === server),
      onTaken: () => this.#wake(),
      onProgrammed: () => {
        for (const peer of this.#reached) peer.acknowledge();
        void this.#report();
      },
    });
    const make = this.#peerMaker();
    this.#peers = new Peers({
      host: options.host,
      resolve: options.resolve ?? resolveHost,
      make,
      failed: (why) => {
        this.#warn('resolve', { host: options.host, why }, 'the controller’s host name has no address');
        this.#fallBackIfAlone();
      },
    });
    this.#timers = [
      setTimeout(() => this.#fallBack(), CONTROLLERS_FIRST),
      setInterval(() => void this.#report(), LOOK).unref(),
    ];
    this.#peers.look();
  }

  /** The one in force; null before the first one. */
  get snapshot(): Snapshot | null {
    return this.#inForce.snapshot;
  }

  /** Why nothing is served yet; null when something is. For everybody's eyes. */
  get waiting(): string | null {
    if (this.#inForce.generation > 0) return null;
    if (this.#inForce.snapshot !== null) return 'the first snapshot could not be put in force';
    return this.#reached.length === 0
      ? 'no snapshot yet: no controller is reached'
      : 'no snapshot yet: the controller has none';
  }

  /** What is not as it should be although something is served. */
  get troubles(): readonly string[] {
    const { programmed, dissenters } = this.#inForce;
    return [
      ...(this.#reached.length === 0 ? ['no controller is reached; what was received last is served'] : []),
      ...(programmed?.error === undefined ? [] : ['the last snapshot is not in force; the one before is served']),
      ...(dissenters === 0 ? [] : ['controllers disagree; one of them is followed']),
    ];
  }

  config(): ConfigState {
    const { generation, appliedAt, applyDuration, propagation, programmed } = this.#inForce;
    const lastApplySuccess = programmed !== null && programmed.error === undefined;
    const snapshot = generation === 0 ? null : (programmed?.snapshot ?? null);
    return { generation, snapshot, lastApplySuccess, lastApplyAt: appliedAt, faults: 0, applyDuration, propagation };
  }

  families(): Family[] {
    return clientFamilies({ ...this.#counts, controllers: this.#reached.length });
  }

  /** Looks for controllers now, not when the next look is due. */
  look(): void {
    this.#peers.look();
  }

  /** Takes nothing any more; what is served is served on. Resolves when the last good snapshot is kept. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#peers.close();
    this.#inForce.close();
    await this.#keptSnapshots?.close();
  }

  get #reached(): Peer[] {
    return [...this.#peers.all].filter(({ isReached }) => isReached);
  }

  #peerMaker(): (address: string) => Peer {
    const { host, port, version, className, bundleFile, tokenFile } = this.#options;
    const bundle = new FreshFile(bundleFile, 'CA bundle');
    const token = new FreshFile(tokenFile, 'token');
    const assembly = new Assembly();
    const events = this.#peerEvents();
    return (address) => {
      const connection = new Connection({ address, port, host, token, bundle });
      const inForce = this.#inForce;
      return new Peer({ address, connection, version, className, inForce, assembly, kept: this.#kept, events });
    };
  }

  #peerEvents(): PeerEvents {
    const { log } = this.#options;
    return {
      reached: ({ address }) => log.info({ address }, 'a controller is reached'),
      failed: ({ address }, why) => {
        this.#counts.failures++;
        this.#warn(`failed ${address}`, { address, why }, 'a controller is not reached');
        this.#peers.look();
        this.#wake();
        this.#fallBackIfAlone();
      },
      refused: ({ address }, snapshot, reason, why) => {
        this.#counts.refused.set(reason, (this.#counts.refused.get(reason) ?? 0) + 1);
        this.#warn(`refused ${address}`, { address, snapshot, why }, 'a snapshot is not taken');
      },
      received: (bytes) => {
        this.#counts.received += bytes;
      },
    };
  }

  #warn(kind: string, fields: object, message: string): void {
    const suppressed = this.#rate.take(kind);
    if (suppressed !== null && !this.#closed) this.#options.log.warn({ ...fields, suppressed }, message);
  }

  #wake(): void {
    for (const peer of this.#peers.all) peer.wake();
  }

  /** Nobody answers: there is nothing to wait for. */
  #fallBackIfAlone(): void {
    const peers = [...this.#peers.all];
    if (peers.every(({ hasFailed }) => hasFailed)) this.#fallBack();
  }

  #fallBack(): void {
    if (this.#fellBack || this.#closed || this.#kept === null || this.#inForce.snapshot !== null) return;
    this.#fellBack = true;
    this.#options.log.warn({ snapshot: this.#kept.snapshot.id }, 'no controller has answered: what was kept is served');
    void this.#inForce.restore(this.#kept);
  }

  /** A controller that has just begun does not know all proxies yet: who knows most is right. */
  #heard({ priors }: Peer): void {
    const said = this.#reached.flatMap(({ replicas }) => replicas ?? []);
    if (said.length === 0 || this.#closed) return;
    const { serving } = this.#options;
    const replicas = Math.max(...said);
    serving.setReplicas(replicas);
    // Controllers learn each for itself: the news is what counts, and not who was heard of last.
    if (priors === null || (this.#taken.has(priors) && replicas === this.#sharedBy)) return;
    this.#taken.add(priors);
    this.#sharedBy = replicas;
    // Requests are spread over the proxies, so each of them has its part of those at an endpoint.
    serving.setPriors(new Map(priors.known.map(([row, server, limit]) => [`${row}\n${server}`, limit / replicas])));
  }

  async #report(): Promise<void> {
    const now = performance.now();
    const wants = (peer: Peer) => peer.wantsReport(now);
    if (this.#counting || this.#inForce.snapshot === null || !this.#reached.some(wants)) return;
    this.#counting = true;
    try {
      const { serving } = this.#options;
      const counts = await serving.countsInSlices();
      for (const peer of this.#reached) {
        if (wants(peer)) void peer.report(counts, serving.samples).then(() => this.#heard(peer));
      }
    } finally {
      this.#counting = false;
    }
  }
}
