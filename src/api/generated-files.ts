/** Files that a program writes into the repository: written anew, or compared, so that none is edited by hand unnoticed. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Path below the repository's root → text. */
export type GeneratedFiles = ReadonlyMap<string, string>;

/** The files that differ from what is generated. */
export const drift = (root: string, files: GeneratedFiles): string[] =>
  [...files].filter(([file, text]) => read(path.join(root, file)) !== text).map(([file]) => file);

/** The command line of a generator: nothing, or `--check`. Resolves to the exit status. */
export const generatorMain = (
  args: readonly string[],
  root: string,
  { source, files }: { readonly source: string; readonly files: () => GeneratedFiles },
): number => {
  const unknown = args.filter((arg) => arg !== '--check');
  if (unknown.length > 0) {
    process.stderr.write(`generate: unknown argument ${unknown[0]}; expected nothing or --check\n`);
    return 2;
  }
  if (args.includes('--check')) {
    const differing = drift(root, files());
    for (const file of differing) process.stderr.write(`${file} differs from what ${source} generates\n`);
    if (differing.length > 0) process.stderr.write('run: make generate\n');
    return differing.length > 0 ? 1 : 0;
  }
  for (const [file, text] of files()) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  return 0;
};

const read = (file: string): string | null => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
};
