import { createHash } from 'node:crypto';

import type { DeliveryLog, TokenReviewer } from '../contract.ts';
import { Refused } from './requests.ts';

export interface Identity {
  readonly podUid: string;
  readonly podName: string;
}

type Answer = { readonly ok: true; readonly identity: Identity } | { readonly ok: false };

/** Remembered by the token's hash, so that no token lies in memory, until it expires. */
interface Remembered {
  readonly answer: Answer;
  /** Milliseconds since 1970. */
  readonly until: number;
}

const MOST_REMEMBERED = 20_000;
/** Milliseconds for which a refused token is not reviewed again. */
const REFUSED_FOR = 10_000;
/** Reviews at once; and per address, so that one pod that makes up tokens keeps no proxy from its review. */
const AT_ONCE = 16;
const BURST = 50;
const PER_SECOND = 10;
const MOST_ADDRESSES = 10_000;
/** Milliseconds that a review may take. */
const PATIENCE = 10_000;

/** Says whose request it is, from its Authorization field. The API server is asked once per token. */
export class TokenGate {
  readonly #reviewer: TokenReviewer;
  readonly #log: DeliveryLog;
  readonly #now: () => number;
  readonly #remembered = new Map<string, Remembered>();
  readonly #running = new Map<string, Promise<Answer>>();
  readonly #budgets = new Map<string, { tokens: number; at: number }>();
  readonly reviews = { accepted: 0, refused: 0, failed: 0 };

  /** `now`: milliseconds since 1970, for tests. */
  constructor(options: { reviewer: TokenReviewer; log: DeliveryLog; now?: () => number }) {
    this.#reviewer = options.reviewer;
    this.#log = options.log;
    this.#now = options.now ?? Date.now;
  }

  /** Errors: Refused. What is wrong with a token is for the log alone: who shows a wrong one is nobody's business. */
  async admit(authorization: string | undefined, address: string): Promise<Identity> {
    const token = /^Bearer ([A-Za-z0-9._~+/-]{1,8192}=*)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) throw new Refused(401, 'token', 'a bearer token is needed: Authorization: Bearer …');
    const hash = createHash('sha256').update(token).digest('base64');
    const answer = this.#recall(hash) ?? (await (this.#running.get(hash) ?? this.#review(hash, token, address)));
    if (!answer.ok) {
      throw new Refused(401, 'token', 'the token is refused: it is not one of the proxies of this installation');
    }
    return answer.identity;
  }

  #recall(hash: string): Answer | null {
    const known = this.#remembered.get(hash);
    if (known === undefined) return null;
    if (known.until > this.#now()) return known.answer;
    this.#remembered.delete(hash);
    return null;
  }

  #review(hash: string, token: string, address: string): Promise<Answer> {
    if (this.#running.size >= AT_ONCE || !this.#spend(address)) {
      throw new Refused(503, 'review', 'too many tokens are being reviewed: try again in a second');
    }
    const review = this.#ask(hash, token, address).finally(() => this.#running.delete(hash));
    this.#running.set(hash, review);
    return review;
  }

  async #ask(hash: string, token: string, address: string): Promise<Answer> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`no answer within ${PATIENCE / 1000} s`)), PATIENCE);
    try {
      const review = await Promise.race([this.#reviewer.review(token), late.promise]);
      if (review.ok) {
        this.reviews.accepted++;
        const { podUid, podName, expires } = review;
        return this.#remember(hash, { ok: true, identity: { podUid, podName } }, expires);
      }
      this.reviews.refused++;
      this.#log.warn({ address, why: review.why }, 'a token is refused');
      return this.#remember(hash, { ok: false }, this.#now() + REFUSED_FOR);
    } catch (error) {
      this.reviews.failed++;
      this.#log.warn({ err: error, address }, 'a token could not be reviewed');
      throw new Refused(
        503,
        'review',
        'the token could not be reviewed, for the API server does not answer: try again',
      );
    } finally {
      clearTimeout(timer);
    }
  }

  #remember(hash: string, answer: Answer, until: number): Answer {
    // The oldest go first: a proxy that is still there pays with one more review.
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size < MOST_REMEMBERED) break;
      this.#remembered.delete(oldest);
    }
    this.#remembered.set(hash, { answer, until });
    return answer;
  }

  /** Whether the address may have one more review now. */
  #spend(address: string): boolean {
    const now = performance.now();
    let budget = this.#budgets.get(address);
    if (budget === undefined) {
      if (this.#budgets.size >= MOST_ADDRESSES) this.#budgets.clear();
      this.#budgets.set(address, (budget = { tokens: BURST, at: now }));
    }
    budget.tokens = Math.min(BURST, budget.tokens + ((now - budget.at) / 1000) * PER_SECOND);
    budget.at = now;
    if (budget.tokens < 1) return false;
    budget.tokens--;
    return true;
  }
}
