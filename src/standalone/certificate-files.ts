import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import type { ApiObject } from '../admin/contract.ts';
import type { TlsSecret } from '../translate/cluster-state.ts';
import { certificateFileKey } from '../translate/secrets.ts';
import { stampOf } from './listing.ts';
import { messageOf, readText } from './read-text.ts';

export interface CertificateFilesState {
  /** By `certificateFileKey`; where a file cannot be read, with why. */
  readonly secrets: readonly (readonly [string, TlsSecret])[];
  /** Directories to watch, as in `Listing`. */
  readonly directories: ReadonlyMap<string, string>;
}

interface CachedText {
  readonly identity: string;
  readonly text: string | null;
  readonly fault: string | null;
}

interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/** A chain of certificates has a few kilobytes. */
const MAX_BYTES = 1 << 20;
/** Clocks of file systems tick in milliseconds: a file that changed so recently may change again and look the same. */
const FRESH_MS = 100;

/**
 * The files that virtual servers name in `tls.certificateFiles`. Relative paths begin at the configuration's directory. Their
 * keys are never logged, never shown, never kept.
 */
export class CertificateFiles {
  readonly #config: string;
  /** Where relative paths begin. */
  #root: string;
  #texts: ReadonlyMap<string, CachedText> = new Map();
  #secrets: ReadonlyMap<string, TlsSecret> = new Map();

  /** `config`: the directory or file of the configuration. */
  constructor(config: string) {
    this.#config = config;
    this.#root = dirname(config);
  }

  /** Looks at all files, reads those that changed (with `all`: every one). Never rejects. What did not change is the same object. */
  async load(objects: Iterable<ApiObject>, all = false): Promise<CertificateFilesState> {
    const pairs = [...objects].flatMap(pairsOf);
    if (pairs.length > 0 && (await isDirectory(this.#config))) this.#root = this.#config;
    const texts = new Map<string, CachedText>();
    const directories = new Map<string, string>();
    for (const path of new Set(pairs.flatMap(({ certificate, key }) => [certificate, key]))) {
      const place = resolve(this.#root, path);
      texts.set(path, await this.#read(place, all ? undefined : this.#texts.get(path)));
      const directory = dirname(place);
      if (!directories.has(directory)) directories.set(directory, await identityOf(directory));
    }
    this.#texts = texts;
    const secrets = new Map<string, TlsSecret>();
    for (const { certificate, key } of pairs) {
      const name = certificateFileKey(certificate, key);
      const made = secretOf(texts.get(certificate)!, texts.get(key)!);
      const before = this.#secrets.get(name);
      secrets.set(name, before !== undefined && isSame(before, made) ? before : made);
    }
    this.#secrets = secrets;
    return { secrets: [...secrets], directories };
  }

  async #read(path: string, before: CachedText | undefined): Promise<CachedText> {
    try {
      const stamp = await stampOf(path);
      const identity = Date.now() - stamp.modified < FRESH_MS ? 'fresh' : stamp.identity;
      if (before !== undefined && before.identity === identity && identity !== 'fresh') return before;
      return { identity, text: await readText(stamp, MAX_BYTES), fault: null };
    } catch (error) {
      return { identity: 'fault', text: null, fault: `${path}: ${messageOf(error)}` };
    }
  }
}

function secretOf(certificate: CachedText, key: CachedText): TlsSecret {
  const fault = certificate.fault ?? key.fault;
  return {
    certificate: certificate.text,
    key: key.text,
    ca: null,
    ...(fault === null ? {} : { fault }),
  };
}

function isSame(a: TlsSecret, b: TlsSecret): boolean {
  return a.certificate === b.certificate && a.key === b.key && a.fault === b.fault;
}

async function isDirectory(path: string): Promise<boolean> {
  return await stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

async function identityOf(directory: string): Promise<string> {
  return await stat(directory).then(
    ({ dev, ino }) => `${dev} ${ino}`,
    () => 'missing',
  );
}

/** What is not of the form that the API asks for is told by whoever parses the object. */
function pairsOf({ kind, spec }: ApiObject): Pair[] {
  if (kind !== 'TcpVirtualServer') return [];
  const { listeners } = (spec ?? {}) as { listeners?: unknown };
  return listOf(listeners).flatMap((listener) =>
    listOf((listener as { tls?: { certificateFiles?: unknown } }).tls?.certificateFiles).flatMap((each) => {
      const { certificate, key } = each as Partial<Pair>;
      return typeof certificate === 'string' && typeof key === 'string' ? [{ certificate, key }] : [];
    }),
  );
}

function listOf(value: unknown): readonly object[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'object' && each !== null) : [];
}
