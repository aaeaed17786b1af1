/** Keys of TLS session tickets: those that the owner gives, or as long as it gives none, some of our own. */
import { isTicketKey, newTicketKey } from '../../tls/ticket-keys.ts';

/** Milliseconds for which a key of our own encrypts; two such times longer it decrypts. */
const LIFETIME = 12 * 3_600_000;
const KEPT = 2;

export class SessionKeys {
  readonly #changed: (keys: readonly string[]) => void;
  #keys: readonly string[];
  #timer: NodeJS.Timeout | null = null;

  /**
   * `given` as in ProxySettings.ticketKeys; `changed` is told all keys whenever they are not what they were.
   * Errors: RangeError for what is no key; it does not quote it.
   */
  constructor(given: readonly string[], changed: (keys: readonly string[]) => void, lifetime = LIFETIME) {
    this.#changed = changed;
    this.#keys = checked(given);
    if (given.length > 0) return;
    this.#keys = [newTicketKey()];
    this.#timer = setInterval(() => this.#rotate(), lifetime);
    this.#timer.unref();
  }

  /** The first encrypts, all decrypt. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  /** From now on the owner's. Errors: as the constructor; nothing is changed then. */
  set(keys: readonly string[]): void {
    const given = checked(keys);
    if (given.length === 0 || given.join() === this.#keys.join()) return;
    this.close();
    this.#keys = given;
    this.#changed(given);
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #rotate(): void {
    this.#keys = [newTicketKey(), ...this.#keys.slice(0, KEPT)];
    this.#changed(this.#keys);
  }
}

function checked(keys: readonly string[]): readonly string[] {
  const wrong = keys.findIndex((key) => !isTicketKey(key));
  if (wrong < 0) return keys;
  throw new RangeError(`ticket key ${wrong + 1} of ${keys.length}: expected 96 digits of hex (48 bytes)`);
}
