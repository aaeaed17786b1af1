import { randomBytes } from 'node:crypto';
import { chmod, rename } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import type { ApiObject } from '../admin/contract.ts';
import { readBounded, removeLeftovers, writeDurably } from '../disk/durable-file.ts';
import { makeDirectory } from '../disk/make-directory.ts';
import { isTicketKey, newTicketKey } from '../tls/ticket-keys.ts';
import type { Identities } from './identity.ts';
import type { FileObject, ObjectId } from './objects.ts';
import type { Overlay } from './overlay.ts';

/** What is kept over a restart. */
export interface KeptState {
  /** The path of the configuration that `files` belongs to. */
  readonly config: string;
  /** Last good objects of every file. */
  readonly files: ReadonlyMap<string, readonly FileObject[]>;
  readonly overlay: Overlay;
  readonly identities: Identities;
  /** Last good specs of objects whose present one is not accepted. */
  readonly lastGood: ReadonlyMap<ObjectId, unknown>;
}

const VERSION = 1;
const MAX_BYTES = 256 << 20;

const objectSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
  spec: z.unknown(),
});
const stateSchema = z.object({
  config: z.string(),
  files: z.array(z.tuple([z.string(), z.array(z.object({ object: objectSchema, line: z.int() }))])),
  overlay: z.array(z.tuple([z.string(), z.object({ object: objectSchema.nullable(), base: z.string().nullable() })])),
  identities: z.array(
    z.tuple([
      z.string(),
      z.object({ uid: z.string(), creationTimestamp: z.string(), generation: z.int(), specHash: z.string() }),
    ]),
  ),
  lastGood: z.array(z.tuple([z.string(), z.unknown()])),
});

/**
 * The directory of `--state-dir`: `state.json`, `cookie-keys.json`, `ticket-keys.json`, `profiles.json`,
 * `placement.json`, readable by their owner only.
 */
export class StateDirectory {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Makes the directory where it is missing. Errors: a message for people that names the directory. */
  static async open(path: string): Promise<StateDirectory> {
    const fail = (error: unknown) => new Error(`state directory ${path}: ${(error as Error).message}`);
    await makeDirectory(path, 0o700).catch((error: unknown) => {
      throw fail(error);
    });
    const directory = new StateDirectory(path);
    for (const file of [
      directory.#state,
      directory.#keys,
      directory.#tickets,
      directory.#profiles,
      directory.#placement,
    ]) {
      await removeLeftovers(file).catch((error: unknown) => {
        throw fail(error);
      });
    }
    return directory;
  }

  get #state(): string {
    return join(this.#path, 'state.json');
  }

  get #keys(): string {
    return join(this.#path, 'cookie-keys.json');
  }

  get #tickets(): string {
    return join(this.#path, 'ticket-keys.json');
  }

  get #profiles(): string {
    return join(this.#path, 'profiles.json');
  }

  get #placement(): string {
    return join(this.#path, 'placement.json');
  }

  /** What was learned of the apps, as JSON; null: nothing, or what cannot be read, which is reported. It is learned again. */
  profiles(report: (message: string) => void): Promise<unknown> {
    return readJson(this.#profiles, report);
  }

  async keepProfiles(profiles: object): Promise<void> {
    await writeDurably(this.#profiles, `${JSON.stringify(profiles)}\n`);
  }

  /** What the placement manager knew, as JSON; null: nothing, or what cannot be read, which is reported. It begins anew then. */
  placement(report: (message: string) => void): Promise<unknown> {
    return readJson(this.#placement, report);
  }

  async keepPlacement(placement: object): Promise<void> {
    await writeDurably(this.#placement, `${JSON.stringify(placement)}\n`);
  }

  /**
   * Null: nothing was kept. A file that cannot be understood is put aside as `state.json.bad` and reported; one of a
   * newer version is an error: an older program must not destroy what a newer one keeps.
   */
  async read(report: (message: string) => void): Promise<KeptState | null> {
    const text = await readBounded(this.#state, MAX_BYTES);
    if (text === null) return null;
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      return await this.#putAside(report, (error as Error).message);
    }
    const version = (json as { version?: unknown } | null)?.version;
    if (typeof version === 'number' && version > VERSION) {
      throw new Error(`${this.#state} has version ${version}, this program reads version ${VERSION}`);
    }
    const parsed = stateSchema.safeParse(json);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return await this.#putAside(report, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
    }
    const { config, files, overlay, identities, lastGood } = parsed.data;
    return {
      config,
      files: new Map(files as [string, FileObject[]][]),
      overlay: new Map(overlay as [ObjectId, { object: ApiObject | null; base: string | null }][]),
      identities: new Map(identities),
      lastGood: new Map(lastGood),
    };
  }

  /** Resolves when it is on the disk. */
  async write(state: KeptState): Promise<void> {
    const { config, files, overlay, identities, lastGood } = state;
    const document = {
      version: VERSION,
      config,
      files: [...files],
      overlay: [...overlay],
      identities: [...identities],
      lastGood: [...lastGood],
    };
    await writeDurably(this.#state, `${JSON.stringify(document)}\n`);
  }

  /** Keys that sign the cookies of chttp, hex, the first signs; made at the first start. */
  async cookieKeys(report: (message: string) => void): Promise<readonly string[]> {
    const text = await readBounded(this.#keys, 65_536);
    if (text !== null) {
      const keys = parseKeys(text);
      if (keys !== null) {
        await chmod(this.#keys, 0o600);
        return keys;
      }
      report(`${this.#keys} cannot be understood, new keys are made: sessions of chttp are chosen anew`);
    }
    const keys = newCookieKeys();
    await writeDurably(this.#keys, `${JSON.stringify(keys)}\n`);
    return keys;
  }

  /**
   * Keys of TLS session tickets, the first encrypts: made at the first start, rotated whenever this is called and the first
   * one is half a day old (`now`: milliseconds since 1970). The two before it still decrypt.
   */
  async ticketKeys(report: (message: string) => void, now: number): Promise<readonly string[]> {
    const text = await readBounded(this.#tickets, 65_536);
    const kept = text === null ? null : parseTickets(text);
    if (text !== null && kept === null) {
      report(`${this.#tickets} cannot be understood, new keys are made: sessions of TLS begin anew`);
    }
    // made in the future: the clock was set back, and nobody knows how old it is
    const isDue = kept === null || now - kept.made >= TICKET_LIFETIME || kept.made > now;
    if (!isDue) {
      await chmod(this.#tickets, 0o600);
      return kept.keys;
    }
    const keys = [newTicketKey(), ...(kept?.keys.slice(0, 2) ?? [])];
    await writeDurably(this.#tickets, `${JSON.stringify({ made: now, keys })}\n`);
    return keys;
  }

  async #putAside(report: (message: string) => void, why: string): Promise<null> {
    await rename(this.#state, `${this.#state}.bad`);
    report(`${this.#state} cannot be understood (${why}); it was put aside as state.json.bad`);
    return null;
  }
}

async function readJson(file: string, report: (message: string) => void): Promise<unknown> {
  try {
    const text = await readBounded(file, MAX_BYTES);
    return text === null ? null : JSON.parse(text);
  } catch (error) {
    report(`${file}: ${(error as Error).message}`);
    return null;
  }
}

/** Milliseconds for which a key encrypts. */
const TICKET_LIFETIME = 12 * 3_600_000;

/** For a server without a state directory too: then sessions last until it is restarted. */
export function newCookieKeys(): readonly string[] {
  return [randomBytes(32).toString('hex')];
}

function parseTickets(text: string): { readonly made: number; readonly keys: readonly string[] } | null {
  try {
    return z
      .object({ made: z.number(), keys: z.array(z.string().refine(isTicketKey)).min(1).max(16) })
      .parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function parseKeys(text: string): readonly string[] | null {
  try {
    return z
      .array(z.string().regex(/^[0-9a-f]{64}$/))
      .min(1)
      .max(16)
      .parse(JSON.parse(text));
  } catch {
    return null;
  }
}
