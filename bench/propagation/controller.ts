/** What a controller replica does with a change: translate, and publish to its proxies. */
import type { Authorities } from '../../src/delivery/certificates/authorities.ts';
import { issueCertificate } from '../../src/delivery/certificates/issue.ts';
import type { SnapshotServer } from '../../src/delivery/contract.ts';
import { createSnapshotServer } from '../../src/delivery/server/server.ts';
import type { ClusterState } from '../../src/translate/cluster-state.ts';
import { translate, type Translation } from '../../src/translate/translate.ts';
import { NAME } from './place.ts';
import { type Change, changed, makeWorld } from './world.ts';

const KEYS = { cookies: ['ab'.repeat(32)], tickets: [] };
/** What a pattern costs is not measured here: there is none. */
const checkPattern = (): number => 0;
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

export interface Place {
  readonly rules: number;
  /** Where the virtual servers listen. */
  readonly traffic: number;
  readonly address: string;
  readonly port: number;
  readonly authorities: Authorities;
}

export class BenchController {
  readonly server: SnapshotServer;
  readonly #place: Place;
  #state: ClusterState;
  #translation: Translation;

  static async start(place: Place): Promise<BenchController> {
    const server = await createSnapshotServer({
      listen: place,
      certificate: issueCertificate(place.authorities, { names: [NAME], addresses: [], now: new Date() }),
      reviewer: {
        review: (token) =>
          Promise.resolve({ ok: true, podUid: token, podName: token, expires: Date.now() + 86_400_000 }),
      },
      log: SILENT,
      className: 'tcpvs',
    });
    return new BenchController(server, place);
  }

  private constructor(server: SnapshotServer, place: Place) {
    this.server = server;
    this.#place = place;
    this.#state = makeWorld(place.rules, place.traffic);
    this.#translation = translate(this.#state, { checkPattern });
    this.#publish(1);
  }

  get snapshot(): string {
    return this.#translation.snapshot.id;
  }

  get pieces(): number {
    return this.#translation.snapshot.pieces.length;
  }

  /** Takes up a change. Resolves to nothing: what becomes of it, the proxies say. */
  take(change: Change, round: number): void {
    const { rules, traffic } = this.#place;
    const previous = this.#translation.snapshot;
    this.#state = { ...changed(this.#state, change, round, rules, traffic), lastGood: this.#translation.lastGood };
    this.#translation = translate(this.#state, { checkPattern, previous });
    this.#publish(round + 1);
  }

  #publish(version: number): void {
    this.server.publish(this.#translation.snapshot, { objects: String(version) }, KEYS);
  }
}
