import { randomBytes } from 'node:crypto';

import type { Keys, ReplicaState, SnapshotServer } from '../delivery/contract.ts';
import { createSnapshotServer } from '../delivery/server/server.ts';
import type { Versions } from '../delivery/versions.ts';
import type { Api } from '../kube/api.ts';
import { applyStatus } from '../kube/apply.ts';
import { LeaderElection } from '../kube/leader-election.ts';
import { createTokenReviewer } from '../kube/token-reviewer.ts';
import type { WatchTiming } from '../kube/watch-timing.ts';
import { ProfileBook } from '../learning/profile-book.ts';
import type { CountsDocument } from '../model/counts.ts';
import type { ProfilesDocument } from '../model/profiles.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { mergeCounts } from '../status/merge-counts.ts';
import type { Log } from '../telemetry/log.ts';
import { checkPattern } from '../translate/check-pattern.ts';
import type { Policy } from '../translate/cluster-facts.ts';
import { type ClusterState, type LastGood, noLastGood } from '../translate/cluster-state.ts';
import { translate, type Translation } from '../translate/translate.ts';
import { Announcer } from './announcer.ts';
import { ClusterProfiles } from './cluster-profiles.ts';
import { KeptProfiles } from './kept-profiles.ts';
import { KINDS } from './kinds.ts';
import { LastGoodKeeper } from './last-good-keeper.ts';
import { Loop } from './loop.ts';
import type { ControllerMetrics } from './metrics.ts';
import type { ControllerOptions } from './options.ts';
import { OwnObjects } from './own/own-objects.ts';
import { ServerIdentity } from './own/server-identity.ts';
import { Placement } from './placement/placement.ts';
import { PolicyFile } from './policy-file.ts';
import { Propagation } from './propagation.ts';
import { ProxyService } from './proxy-service.ts';
import { StatusKeeper } from './status/status-keeper.ts';
import { World } from './world.ts';

export interface ControllerParts {
  readonly api: Api;
  readonly log: Log;
  readonly watchTiming?: Partial<WatchTiming>;
}

/** Who writes our statuses, whatever the installation is called: one that takes over another's class takes over its fields. */
const FIELD_MANAGER = 'tcpvs-controller';
/**
 * How long a change waits for Secrets that it is the first to refer to; and the first snapshot for all of them: it is not
 * to take the certificates away that proxies have kept.
 */
const SECRETS_WAIT = 1000;
const SECRETS_AT_START = 30_000;
/** Versions that rose without a change are told to proxies together. */
const PROGRESS = 200;

interface InForce {
  readonly snapshot: Snapshot;
  readonly versions: Versions;
}

/**
 * The controller of an installation. Every replica watches, translates and serves snapshots; the one that leads writes
 * statuses and renews what the installation keeps for itself. Traffic depends on neither.
 */
export class ClusterController {
  readonly #options: ControllerOptions;
  readonly #parts: ControllerParts;
  readonly #policy: PolicyFile;
  readonly #world: World;
  readonly #proxies: ProxyService;
  readonly #own: OwnObjects;
  readonly #announcer: Announcer;
  readonly #keeper: StatusKeeper;
  readonly #profiles: ClusterProfiles;
  readonly #keptProfiles: KeptProfiles;
  readonly #placement: Placement;
  readonly #revisions: LastGoodKeeper;
  readonly #election: LeaderElection;
  readonly #propagation: Propagation;
  readonly #loop: Loop;
  #identity: ServerIdentity | null = null;
  #server: SnapshotServer | null = null;
  #translation: Translation | null = null;
  #matrices: ClusterState['matrices'] = new Map();
  #lastGood: LastGood = noLastGood;
  #inForce: InForce | null = null;
  /** There are last good versions that were not looked at. */
  #isRevised = true;
  #generation = 0;
  #synced = false;
  #progress: NodeJS.Timeout | null = null;
  #closing = false;

  constructor(options: ControllerOptions, parts: ControllerParts) {
    this.#options = options;
    this.#parts = parts;
    const { api, log, watchTiming } = parts;
    const timing = watchTiming === undefined ? {} : { timing: watchTiming };
    const onChange = (received: number) => this.#loop.changed(received);
    const replicas = () => this.#server?.replicas() ?? NOBODY;
    const ready = () => this.#proxies.ready;
    this.#loop = new Loop({ run: (received) => this.#run(received), log });
    this.#policy = new PolicyFile({ path: options.policy, onChange, log });
    this.#world = new World({
      api,
      className: options.className,
      namespaces: options.watchNamespaces,
      secretNamespaces: options.secretNamespaces,
      onChange,
      onTouched: () => this.#touched(),
      onProgress: () => this.#progressed(),
      log,
      ...timing,
    });
    this.#proxies = new ProxyService({
      api,
      proxies: options.proxyService,
      publish: options.publishService,
      addresses: options.publishAddresses,
      onChange,
      onReady: () => this.#acknowledged(),
      log,
      ...timing,
    });
    this.#own = new OwnObjects({
      api,
      namespace: options.namespace,
      name: options.name,
      onChange: () => this.#ownChanged(),
      log,
      ...timing,
    });
    this.#placement = new Placement({
      objects: () => this.#world.placeable,
      className: options.className,
      proxies: () => new Map([...ready()].map((uid) => [uid, replicas().get(uid) ?? null])),
      profiles: () => this.#profiles.profiles(false),
      workloads: options.manageWorkloads
        ? { ...timing, api, namespaces: options.watchNamespaces, tell: (news) => this.#announcer.happened(news) }
        : null,
      present: (key) => this.#world.object('AppWeightMatrix', key),
      onRows: () => this.#keeper.touched(),
      log,
    });
    this.#announcer = new Announcer({ api, instance: options.pod.name, log });
    const book = new ProfileBook({ usesAreLate: true });
    this.#profiles = new ClusterProfiles({
      replicas,
      matrices: () => this.#matrices,
      book,
      log,
      onPriors: (priors) => this.#server?.setPriors(priors),
      podMetrics:
        options.podMetrics === null ? null : { api, period: options.podMetrics, running: () => this.#world.running },
    });
    const kept = { namespace: options.namespace, name: `${options.name}-profiles` };
    this.#keptProfiles = new KeptProfiles({ api, ...kept, book, log });
    this.#keeper = new StatusKeeper({
      present: (kind, key) => this.#world.object(kind, key),
      write: ({ metadata: { namespace = '', name, resourceVersion = '' } }, kind, status) =>
        applyStatus(api, {
          resource: KINDS[kind],
          namespace,
          name,
          resourceVersion,
          fieldManager: FIELD_MANAGER,
          status,
        }),
      replicas,
      ready,
      profiles: () => new Map(this.#profiles.profiles(false).matrices.map((each) => [each.matrix, each])),
      placements: () => this.#placement.placements,
      flipped: (object, _, flip) => this.#announcer.flipped(object, flip),
      log,
    });
    this.#revisions = new LastGoodKeeper({
      api,
      className: options.className,
      namespaces: options.watchNamespaces,
      object: (kind, key) => this.#world.object(kind, key),
      onChange: (received) => this.#revised(received),
      log,
      ...timing,
    });
    this.#propagation = new Propagation({
      replicas,
      ready,
      numberOf: (snapshot) => this.#keeper.publications().numberOf(snapshot),
    });
    this.#election = new LeaderElection({
      api,
      namespace: options.namespace,
      name: `${options.name}-controller`,
      // A pod that is restarted under its name is another candidate.
      identity: `${options.pod.name}_${randomBytes(4).toString('hex')}`,
      onChange: (leading) => {
        // Before statuses are written: they are to have the weights that rule.
        this.#placement.lead(leading);
        this.#keeper.lead(leading);
        this.#own.lead(leading);
        this.#revisions.lead(leading);
        this.#keptProfiles.lead(leading);
      },
      log,
      ...(watchTiming === undefined ? {} : { watchTiming }),
    });
  }

  /** Resolves when the first snapshot is served. Errors: what cannot be mended by waiting (an address that is taken). */
  async start(): Promise<void> {
    await this.#policy.start();
    this.#world.watches.start();
    this.#proxies.start();
    this.#own.start();
    this.#revisions.start();
    this.#election.start();
    await Promise.all([
      this.#keptProfiles.restore().then(() => this.#closing || this.#profiles.start()),
      this.#world.watches.whenSynced(),
      this.#proxies.whenSynced(),
      this.#own.whenKnown,
      this.#revisions.whenSynced,
    ]);
    if (this.#closing) return;
    this.#synced = true;
    await this.#serve();
    const first = this.#firstServed.promise;
    this.#loop.changed(performance.now());
    await first;
  }

  readonly #firstServed = Promise.withResolvers<void>();

  /** The bound port of the snapshot server; null before it listens. */
  get port(): number | null {
    return this.#server?.port ?? null;
  }

  /** Why nothing is served yet; null when something is. */
  get waiting(): string | null {
    if (this.#inForce !== null) return null;
    const missing = [...this.#world.watches.missing, ...this.#own.missing];
    if (!this.#synced && missing.length > 0) return `not known yet: ${missing.join(', ')}`;
    return this.#policy.fault ?? 'the first snapshot is not made yet';
  }

  /** What is wrong although it serves. */
  get complaints(): string[] {
    return this.#inForce === null || this.#policy.fault === null ? [] : [this.#policy.fault];
  }

  /** What all ready proxies have counted, as one. */
  counts(): CountsDocument {
    const replicas = this.#server?.replicas() ?? NOBODY;
    return mergeCounts([...this.#proxies.ready].flatMap((uid) => replicas.get(uid)?.counts ?? []));
  }

  /** What this replica has learned of the apps. */
  profiles(): ProfilesDocument {
    return this.#profiles.profiles();
  }

  get metrics(): Omit<ControllerMetrics, 'version' | 'ready'> {
    return {
      generation: this.#generation,
      snapshot: this.#inForce?.snapshot.id ?? null,
      leading: this.#election.leading,
      objects: this.#world.objectCounts(),
      keeper: this.#keeper.stats,
      queues: [
        { name: 'status', ...this.#keeper.queue },
        { name: 'events', ...this.#announcer.queue },
        { name: 'last-good', ...this.#revisions.queue },
        { name: 'own', ...this.#own.queue },
      ],
      restarts: this.#world.watches.restarts,
      propagation: this.#propagation.histogram,
      readyProxies: this.#proxies.ready.size,
      eventsDropped: this.#announcer.dropped,
      placements: this.#placement.placements,
      delivery: this.#server?.families() ?? [],
      profiles: this.#profiles.profiles(false),
    };
  }

  /** Gives leadership up first, so that somebody else writes statuses at once. Never rejects. */
  async close(): Promise<void> {
    this.#closing = true;
    const profiles = this.#profiles.close();
    // It writes once more as who leads still; nobody's leadership waits for that.
    const kept = this.#keptProfiles.close();
    await Promise.all([this.#keeper.close(), this.#revisions.close(), this.#placement.close()]);
    await this.#election.close();
    await Promise.all([kept, profiles, this.#loop.close(), this.#announcer.close(), this.#own.close()]);
    this.#policy.close();
    this.#identity?.close();
    if (this.#progress !== null) clearTimeout(this.#progress);
    await Promise.all([this.#server?.close(), this.#world.watches.close(), this.#proxies.close()]);
  }

  async #serve(): Promise<void> {
    const { serverName, pod, listen, className, proxyServiceAccount } = this.#options;
    this.#identity = new ServerIdentity({
      names: [serverName],
      addresses: pod.address === null ? [] : [pod.address],
      authorities: () => this.#own.authorities,
      onRenewed: (certificate) => this.#server?.setCertificate(certificate),
    });
    const [namespace = '', name = ''] = proxyServiceAccount.split('/');
    const username = `system:serviceaccount:${namespace}:${name}`;
    this.#server = await createSnapshotServer({
      listen,
      certificate: this.#identity.certificate,
      reviewer: createTokenReviewer({ api: this.#parts.api, audience: 'tcpvs', username }),
      log: this.#parts.log,
      className,
    });
    this.#server.onAcknowledge(() => this.#acknowledged());
    this.#server.onReport((news) => this.#keeper.reported(news));
    this.#parts.log.info({ ...listen, port: this.#server.port }, 'snapshot server');
  }

  async #run(received: () => number): Promise<void> {
    // Whatever is lacking says so itself when it comes.
    const { policy } = this.#policy;
    if (!this.#synced || this.#server === null || policy === null) return void received();
    await this.#world.readSecrets(this.#inForce === null ? SECRETS_AT_START : SECRETS_WAIT);
    const since = received();
    const versions = this.#world.versions;
    let translation = this.#translate(this.#lastGood, policy);
    if (this.#isRevised) {
      this.#isRevised = false;
      const lastGood = await this.#revisions.complete(translation.lastGood);
      if (lastGood !== null) translation = this.#translate(lastGood, policy);
    }
    this.#lastGood = translation.lastGood;
    this.#publish(translation, versions, since);
    this.#revisions.note(translation.lastGood);
  }

  #translate(lastGood: LastGood, policy: Policy): Translation {
    const state = this.#world.state(lastGood, { ...this.#proxies.facts, policy });
    this.#matrices = state.matrices;
    const previous = this.#translation?.snapshot;
    return (this.#translation = translate(state, { checkPattern, ...(previous === undefined ? {} : { previous }) }));
  }

  #publish(translation: Translation, versions: Versions, since: number): void {
    const { snapshot } = translation;
    const isOther = snapshot.id !== this.#inForce?.snapshot.id;
    this.#inForce = { snapshot, versions };
    this.#server?.publish(snapshot, versions, this.#keys, this.#world.watches.seen);
    this.#keeper.translated(translation);
    if (!isOther) return;
    this.#propagation.published(snapshot.id, since);
    this.#generation++;
    const fields = { snapshot: snapshot.id, generation: this.#generation, pieces: snapshot.pieces.length };
    this.#parts.log.info(fields, 'configuration is published');
    if (this.#generation === 1) this.#firstServed.resolve();
  }

  get #keys(): Keys {
    return this.#own.keys;
  }

  #revised(received: number): void {
    this.#isRevised = true;
    this.#loop.changed(received);
  }

  #touched(): void {
    this.#keeper.touched();
    this.#progressed();
  }

  /** Nothing is new, but more of it is known to be true. */
  #progressed(): void {
    this.#progress ??= setTimeout(() => {
      this.#progress = null;
      if (this.#inForce === null || this.#loop.pending) return;
      const { snapshot } = this.#inForce;
      this.#server?.publish(snapshot, this.#world.versions, this.#keys, this.#world.watches.seen);
    }, PROGRESS).unref();
  }

  #acknowledged(): void {
    this.#propagation.look();
    this.#keeper.touched();
  }

  #ownChanged(): void {
    this.#identity?.look();
    if (this.#inForce === null) return;
    const { snapshot, versions } = this.#inForce;
    this.#server?.publish(snapshot, versions, this.#keys, this.#world.watches.seen);
  }
}

const NOBODY: ReadonlyMap<string, ReplicaState> = new Map();
