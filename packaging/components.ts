/** The packages whose code is in the bundle, as the lock file has them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Metafile } from 'esbuild';

import { ROOT } from './bundle.ts';

export interface Component {
  readonly name: string;
  readonly version: string;
  /** SPDX: an identifier, or an expression. */
  readonly license: string;
  /** `sha512-…` of the package's archive. */
  readonly integrity: string;
  /** Below the repository's root. */
  readonly directory: string;
}

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly license?: string; readonly integrity?: string } | undefined>
  >;
}

/** By name, then version. Errors: code of a package that the lock file does not have, or that names no licence. */
export function componentsOf(metafile: Metafile): readonly Component[] {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
  const directories = new Set(
    Object.values(metafile.outputs)
      .flatMap(({ inputs }) => Object.keys(inputs))
      .flatMap((source) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1] ?? []),
  );
  return [...directories]
    .map((directory) => {
      const { version, license, integrity } = lock.packages[directory] ?? {};
      if (version === undefined || license === undefined || integrity === undefined) {
        throw new Error(`package-lock.json has no version, licence and integrity of ${directory}`);
      }
      const name = directory.slice(directory.lastIndexOf('node_modules/') + 'node_modules/'.length);
      return { name, version, license, integrity, directory };
    })
    .toSorted((one, other) => compare(one.name, other.name) || compare(one.version, other.version));
}

/** Not localeCompare: the order must be the same everywhere. */
const compare = (one: string, other: string): number => (one < other ? -1 : Number(one > other));
