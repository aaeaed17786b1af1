/** What the last stage of a Dockerfile puts into the image, and how it runs: enough of the language for ours. */
export interface ImageStage {
  /** `FROM`, arguments unresolved. */
  readonly base: string;
  readonly copies: readonly { readonly from: string | null; readonly source: string; readonly target: string }[];
  readonly user: string;
  readonly directory: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/** Errors: an instruction that is not known here, by its text: what it does would be missed. */
export function lastStage(dockerfile: string): ImageStage {
  const instructions = dockerfile
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const start = instructions.findLastIndex((line) => line.startsWith('FROM '));
  const copies: { from: string | null; source: string; target: string }[] = [];
  const found: Record<string, string> = {};
  for (const line of instructions.slice(start)) {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === 'COPY') {
      const [, from = null, source = '', target = ''] = /^(?:--from=(\S+) )?(\S+) (\S+)$/.exec(rest) ?? [];
      if (source === '') throw new Error(`a form of COPY that is not known: ${line}`);
      copies.push({ from, source, target });
    } else if (['FROM', 'USER', 'WORKDIR', 'ENTRYPOINT', 'CMD'].includes(name)) found[name] = rest;
    else if (!['ARG', 'LABEL'].includes(name)) throw new Error(`an instruction that is not known: ${line}`);
  }
  const words = (name: string) => JSON.parse(found[name] ?? '[]') as string[];
  return {
    base: found['FROM'] ?? '',
    copies,
    user: found['USER'] ?? 'root',
    directory: found['WORKDIR'] ?? '/',
    entrypoint: words('ENTRYPOINT'),
    command: words('CMD'),
  };
}
