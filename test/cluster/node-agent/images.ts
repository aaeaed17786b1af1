/** What an image's name stands for: no registry, no layers, but commands of this machine. */
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Image {
  readonly entrypoint: readonly string[];
  readonly args: readonly string[];
  /** Directories of this machine, and where the container has them, read-only. */
  readonly binds: readonly { readonly from: string; readonly to: string }[];
  /** User and group it runs as unless the pod says otherwise. */
  readonly user: number;
  readonly workingDirectory: string;
}

const APP = join(import.meta.dirname, '../app');
/** Where the Dockerfile has it too; it hides what else this machine has there. */
const NODE = { from: dirname(realpathSync(process.execPath)), to: '/usr/local/bin' };
const USER = 65532;

/** `product`: the directory of a bundle for the image `tcpvs`, or null where there is no such image. */
export function imageCatalogue(product: string | null): (reference: string) => Image | null {
  const images: Readonly<Record<string, Image>> = {
    // As the Dockerfile says.
    ...(product === null ? {} : { tcpvs: node('/opt/tcpvs/tcpvs.mjs', { from: product, to: '/opt/tcpvs' }) }),
    app: node('/opt/app/server.ts', { from: APP, to: '/opt/app' }),
    // For whatever a test wants to run: its command says what.
    shell: { entrypoint: [], args: [], binds: [NODE], user: 0, workingDirectory: '/' },
  };
  return (reference) => images[nameOf(reference)] ?? null;
}

function node(file: string, bind: Image['binds'][number]): Image {
  const entrypoint = ['/usr/local/bin/node', file];
  return { entrypoint, args: ['--help'], binds: [NODE, bind], user: USER, workingDirectory: bind.to };
}

/** The last part of the path, without tag and digest: `registry.example:5000/team/tcpvs:1.2@sha256:…` is `tcpvs`. */
export function nameOf(reference: string): string {
  const path = reference.split('@', 1)[0] ?? '';
  return (path.split('/').at(-1) ?? '').split(':', 1)[0] ?? '';
}
