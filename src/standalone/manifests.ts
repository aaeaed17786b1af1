/** A directory (or one file) of manifests → objects, Secrets and faults. */
import { readFile, stat } from 'node:fs/promises';

import { toFault } from '../api/faults.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import type { TlsSecret } from '../translate/cluster-state.ts';
import { listFiles } from './listing.ts';
import {
  located,
  type ManifestFault,
  type ManifestFile,
  type ManifestObject,
  parseManifests,
  textFault,
} from './manifests-parse.ts';

export interface Manifests {
  /** In order of file name and place in the file. */
  readonly objects: readonly ManifestObject[];
  readonly secrets: ReadonlyMap<ObjectKey, TlsSecret>;
  /** Empty: all is well. A source that serves already changes nothing while there are any. */
  readonly faults: readonly ManifestFault[];
  /** The files that were read. */
  readonly files: readonly string[];
}

/** Far above the largest platform's: 2,048 cells are 244 KB. They keep a wrong path from filling the memory. */
const MAX_FILE_BYTES = 8 * 2 ** 20;
const MAX_TOTAL_BYTES = 64 * 2 ** 20;

/**
 * Reads manifests once: one file, or those of a directory, which are the ones that a watched directory has. For the
 * offline commands and the tests. Never rejects: what cannot be read is a fault.
 */
export const readManifests = async (place: string): Promise<Manifests> => {
  const listing = await filesOf(place);
  if ('fault' in listing) return combine([], [listing.fault], []);
  const { files } = listing;
  const parts: ManifestFile[] = [];
  const faults: ManifestFault[] = [];
  let total = 0;
  for (const file of files) {
    // One after the other: reading thousands of files at once would take as many descriptors from the proxy.
    // oxlint-disable-next-line no-await-in-loop
    const read = await readText(file);
    if ('fault' in read) {
      faults.push(read.fault);
      continue;
    }
    total += read.text.length;
    if (total > MAX_TOTAL_BYTES) {
      faults.push(textFault(file, `read more than ${MAX_TOTAL_BYTES} bytes in all files up to here, expected fewer`));
      break;
    }
    parts.push(parseManifests(file, read.text));
  }
  return combine(parts, faults, files);
};

const filesOf = async (place: string): Promise<{ files: string[] } | { fault: ManifestFault }> => {
  try {
    const { files } = await listFiles(place);
    return { files: [...files.values()].map((stamp) => stamp.path) };
  } catch (error) {
    return { fault: textFault(place, `cannot be read: ${codeOf(error)}; expected a file or directory of manifests`) };
  }
};

const readText = async (file: string): Promise<{ text: string } | { fault: ManifestFault }> => {
  try {
    const about = await stat(file);
    if (!about.isFile()) return { fault: textFault(file, 'read a special file, expected a plain one') };
    if (about.size > MAX_FILE_BYTES) {
      return { fault: textFault(file, `read ${about.size} bytes, expected at most ${MAX_FILE_BYTES}`) };
    }
    const bytes = await readFile(file);
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    if (error instanceof TypeError) return { fault: textFault(file, 'read bytes that are no text, expected UTF-8') };
    return { fault: textFault(file, `cannot be read: ${codeOf(error)}`) };
  }
};

/** All parts as one; the same object twice is a fault of the later one. */
const combine = (
  parts: readonly ManifestFile[],
  faults: readonly ManifestFault[],
  files: readonly string[],
): Manifests => {
  const all = [...faults, ...parts.flatMap((part) => part.faults)];
  const seen = new Map<string, { file: string; line: number }>();
  const isNew = (name: string, found: { file: string; line: number }): boolean => {
    const first = seen.get(name);
    if (first === undefined) {
      seen.set(name, found);
      return true;
    }
    const fault = toFault(
      name,
      ['metadata', 'name'],
      'an object a second time',
      `it once; first at ${first.file}:${first.line}`,
    );
    all.push(located(found.file, fault, { line: found.line, column: 1 }));
    return false;
  };
  const objects: ManifestObject[] = [];
  const secrets = new Map<ObjectKey, TlsSecret>();
  for (const part of parts) {
    for (const found of part.objects) if (isNew(nameIn(found), found)) objects.push(found);
    for (const found of part.secrets) if (isNew(`Secret ${found.key}`, found)) secrets.set(found.key, found.secret);
  }
  return { objects, secrets, faults: all, files };
};

const nameIn = ({ object }: ManifestObject): string =>
  `${object.kind} ${object.metadata.namespace}/${object.metadata.name}`;

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);
