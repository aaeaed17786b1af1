/**
 * The keys that encrypt session tickets, in all contexts of a worker: the first encrypts, all decrypt, so that workers and
 * replicas that have the same keys resume each other's sessions, and keys are rotated with overlap.
 */
import { randomBytes } from 'node:crypto';
import type { SecureContext } from 'node:tls';

export class TicketKeys {
  private keys: readonly TicketKey[];

  /** As in tls/ticket-keys.ts; at least one. */
  constructor(keys: readonly string[]) {
    this.keys = keys.map(parse);
  }

  /** From now on these; sessions under keys that are not among them begin anew. */
  set(keys: readonly string[]): void {
    this.keys = keys.map(parse);
  }

  /** Lets the context ask here. Where this Node does not know how, the context keeps the present first key. */
  attach(context: SecureContext): void {
    const native = context.context as NativeContext;
    if (typeof native.enableTicketKeyCallback !== 'function') {
      native.setTicketKeys?.(this.keys[0]!.whole);
      return;
    }
    native.onticketkeycallback = this.answer;
    native.enableTicketKeyCallback();
  }

  /** Called by OpenSSL for each ticket that is made or shown: [verdict, HMAC key, AES key, name, IV]. */
  private readonly answer = (name: Buffer, _iv: Buffer, making: boolean): Answer => {
    const first = this.keys[0]!;
    if (making) return [TAKE, first.hmac, first.aes, first.name, randomBytes(16)];
    const known = this.keys.find((key) => key.name.equals(name));
    if (known === undefined) return [UNKNOWN, first.hmac, first.aes];
    return [known === first ? TAKE : RENEW, known.hmac, known.aes];
  };
}

/** What a callback of SSL_CTX_set_tlsext_ticket_key_cb returns. */
const UNKNOWN = 0;
const TAKE = 1;
const RENEW = 2;

type Answer = [number, Buffer, Buffer, Buffer?, Buffer?];

interface TicketKey {
  readonly whole: Buffer;
  readonly name: Buffer;
  readonly hmac: Buffer;
  readonly aes: Buffer;
}

/** Of a SecureContext; not in the documentation, but what its own `ticketKeys` is made of. */
interface NativeContext {
  enableTicketKeyCallback?(): void;
  onticketkeycallback?: (name: Buffer, iv: Buffer, making: boolean) => Answer;
  setTicketKeys?(keys: Buffer): void;
}

function parse(text: string): TicketKey {
  const whole = Buffer.from(text, 'hex');
  return { whole, name: whole.subarray(0, 16), hmac: whole.subarray(16, 32), aes: whole.subarray(32, 48) };
}
