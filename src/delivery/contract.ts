/** What the controller gives to the snapshot server, and learns from it. */
import type { CountsDocument } from '../model/counts.ts';
import type { SampledWindow } from '../model/samples.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Programmed } from '../proxy/serving-contract.ts';
import type { Family } from '../telemetry/exposition.ts';
import type { Versions } from './versions.ts';

/** What a proxy's report has brought: another health of an endpoint, or numbers alone. */
export type News = 'Health' | 'Counts';

export interface SnapshotServer {
  /** The one that was bound, where port 0 was asked for. */
  readonly port: number;
  /**
   * Offers it to all proxies at once; what they have already is not sent again. Cheap where little has changed: pieces
   * that are the same object (===) as in the publication before cost one comparison.
   * `versions`: when something last changed, of each type. `seen`: up to where everything is known; a proxy that was
   * served by somebody who had seen more is not served. Default: `versions`.
   */
  publish(snapshot: Snapshot, versions: Versions, keys: Keys, seen?: Versions): void;
  /** For new connections; those that are open stay. Errors: what TLS finds wrong in it. */
  setCertificate(certificate: ServerCertificate): void;
  /**
   * By row and server, with a line break between: requests in flight at an endpoint, over all proxies, that adaptive limits are to
   * begin with. Proxies are told with their next reports.
   */
  setPriors(priors: ReadonlyMap<string, number>): void;
  /** By uid of the pod; those that were heard of within the last two minutes. */
  replicas(): ReadonlyMap<string, ReplicaState>;
  /** Called when what a replica has programmed is not what it was. Returns how to end that. */
  onAcknowledge(listener: (replica: ReplicaState) => void): () => void;
  /** Called when a replica has reported: another health of an endpoint, or counts alone. Returns how to end that. */
  onReport(listener: (news: News) => void): () => void;
  /** Of this server, for the metrics. */
  families(): readonly Family[];
  /** Ends held polls and connections; a proxy turns to the other replicas at once. */
  close(): Promise<void>;
}

/** Keys that travel beside the snapshot, for no dump is to have them. */
export interface Keys {
  /** That sign the cookies of chttp, 64 digits of hex each: the first signs, all verify. */
  readonly cookies: readonly string[];
  /** That encrypt TLS session tickets, 96 digits each: the first encrypts, all decrypt; none: each proxy makes its own. */
  readonly tickets: readonly string[];
}

/** PEM; the chain without the authority, which proxies have. */
export interface ServerCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface ReplicaState {
  /** Of its pod, as the reviewed token says. */
  readonly uid: string;
  readonly name: string;
  /** Of its program. */
  readonly version: string;
  /** Snapshot that it has received whole. */
  readonly have: string | null;
  /** What it serves; null: nothing yet. With `error`, `snapshot` is the one before, which it still serves. */
  readonly programmed: ReplicaProgrammed | null;
  /** Merged from what it has reported; rows and cells that did not change are the same objects (===) as before. */
  readonly counts: CountsDocument;
  /** The last that it has reported, oldest first. */
  readonly samples: readonly SampledWindow[];
  /**
   * Milliseconds that its clock seems to be behind the one here: the least of its last reports, for what a report takes to
   * come counts, too. Null: it has not said what time it is.
   */
  readonly behind: number | null;
  /** By the clock of `performance.now()`. */
  readonly lastContact: number;
}

export type ReplicaProgrammed = Omit<Programmed, 'milliseconds'>;

/**
 * Says whose token it is. Accepts only one that the API server has authenticated, for the audience `tcpvs`, of exactly
 * the proxies' ServiceAccount, bound to a pod. Rejects where the API server could not be asked: the proxy tries again.
 */
export interface TokenReviewer {
  review(token: string): Promise<Review>;
}

export type Review =
  | {
      readonly ok: true;
      readonly podUid: string;
      readonly podName: string;
      /** Milliseconds since 1970: until then the answer is remembered. */
      readonly expires: number;
    }
  /** For the log; the one who asked is told only that it is refused. */
  | { readonly ok: false; readonly why: string };

export interface SnapshotServerOptions {
  /** `::` takes IPv6 and IPv4. */
  readonly listen: { readonly address: string; readonly port: number };
  readonly certificate: ServerCertificate;
  readonly reviewer: TokenReviewer;
  readonly log: DeliveryLog;
  /** The class whose objects are served: proxies of another one are refused. */
  readonly className: string;
}

/** What delivery writes to; pino's fits. */
export interface DeliveryLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
