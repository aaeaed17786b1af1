/** What an image's name stands for: no registry, no layers, but commands of this machine. */
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Image {
  readonly entrypoint: readonly string[];
  readonly args: readonly string[];
  /** Directories of this machine, and where the container has them, read-only. */
  readonly binds: readonly { readonly from: string; readonly to: string }[];
  readonly environment: Readonly<Record<string, string>>;
  /** User and group it runs as unless the pod says otherwise. */
  readonly user: number;
}

const ROOT = join(import.meta.dirname, '../../..');
const NODE = { from: dirname(realpathSync(process.execPath)), to: '/nodejs/bin' };

/** `product`: the directory of a bundle (`make build`), or null for the sources of this checkout. */
export function imageCatalogue(product: string | null): (reference: string) => Image | null {
  const node = (file: string, binds: Image['binds'], user = 0): Image => {
    return { entrypoint: ['/nodejs/bin/node', file], args: [], binds: [NODE, ...binds], environment: {}, user };
  };
  const images: Readonly<Record<string, Image>> = {
    tcpvs:
      product === null
        ? node('/app/src/cli/tcpvs.ts', [{ from: ROOT, to: '/app' }], 65532)
        : node('/app/tcpvs.mjs', [{ from: product, to: '/app' }], 65532),
    app: node('/app/server.ts', [{ from: join(ROOT, 'test/cluster/app'), to: '/app' }], 65532),
    // For whatever a test wants to run: its command says what.
    shell: { entrypoint: ['/bin/sh'], args: [], binds: [NODE], environment: {}, user: 0 },
  };
  return (reference) => images[nameOf(reference)] ?? null;
}

/** The last part of the path, without tag and digest: `registry.example:5000/team/tcpvs:1.2@sha256:…` is `tcpvs`. */
export function nameOf(reference: string): string {
  const path = reference.split('@', 1)[0] ?? '';
  return (path.split('/').at(-1) ?? '').split(':', 1)[0] ?? '';
}
