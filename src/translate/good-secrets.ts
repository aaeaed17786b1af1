/**
 * While a Secret is bad, what was good of it before keeps serving. What a translation answers follows from its state alone,
 * so that it is the source of the state that remembers. In memory: keys are not written anywhere.
 */
import type { ObjectKey } from '../model/snapshot.ts';
import { type CheckCertificates, checkCertificates } from './check-certificate.ts';
import type { FormerSecret, TlsSecret } from './cluster-state.ts';
import { verdictOn } from './secrets.ts';

export class GoodSecrets {
  readonly #check: CheckCertificates;
  #known: ReadonlyMap<ObjectKey, Known> = new Map();
  #last: {
    readonly given: ReadonlyMap<ObjectKey, TlsSecret>;
    readonly answer: ReadonlyMap<ObjectKey, TlsSecret>;
  } | null = null;

  constructor(check: CheckCertificates = checkCertificates) {
    this.#check = check;
  }

  /**
   * The Secrets as translate takes them: those that are bad with what was good before. One that is gone is forgotten.
   * Values that did not change remain the same objects (===), and so does the map. `keep` false: only to see what would be.
   */
  take(secrets: ReadonlyMap<ObjectKey, TlsSecret>, keep = true): ReadonlyMap<ObjectKey, TlsSecret> {
    if (this.#last?.given === secrets) return this.#last.answer;
    const known = new Map<ObjectKey, Known>();
    for (const [key, given] of secrets) {
      const before = this.#known.get(key);
      known.set(key, before?.given === given ? before : this.#look(given, before?.good ?? NOTHING));
    }
    const answer = new Map([...known].map(([key, { taken }]) => [key, taken]));
    if (!keep) return answer;
    this.#known = known;
    this.#last = { given: secrets, answer };
    return answer;
  }

  #look(given: TlsSecret, good: FormerSecret): Known {
    // A right that was taken away is none of the faults that something of before may cover.
    if (given.denied !== undefined) return { given, good: NOTHING, taken: given };
    const { certificate, authority } = verdictOn(given, this.#check);
    const pair = certificate === null ? given : good;
    const ca = authority === null ? given.ca : good.ca;
    const now = { certificate: pair.certificate, key: pair.key, ca };
    const lacks = (certificate !== null && now.certificate !== null) || (authority !== null && now.ca !== null);
    return { given, good: now, taken: lacks ? { ...given, former: now } : given };
  }
}

interface Known {
  readonly given: TlsSecret;
  /** The last good of each. */
  readonly good: FormerSecret;
  readonly taken: TlsSecret;
}

const NOTHING: FormerSecret = { certificate: null, key: null, ca: null };
