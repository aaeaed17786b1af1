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

/**
 * `product`: the directory of a bundle for the image `tcpvs`, or null where there is no such image; `tagged`: others, for
 * the tags that they stand by.
 */
export function imageCatalogue(
  product: string | null,
  tagged: Readonly<Record<string, string>> = {},
): (reference: string) => Image | null {
  const images: Readonly<Record<string, Image>> = {
    ...(product === null ? {} : { tcpvs: bundle(product) }),
    app: node('/opt/app/server.ts', { from: APP, to: '/opt/app' }),
    // For whatever a test wants to run: its command says what.
    shell: { entrypoint: [], args: [], binds: [NODE], user: 0, workingDirectory: '/' },
  };
  return (reference) => {
    const name = nameOf(reference);
    const other = name === 'tcpvs' ? tagged[tagOf(reference)] : undefined;
    return other === undefined ? (images[name] ?? null) : bundle(other);
  };
}

/** As the Dockerfile says. */
const bundle = (directory: string) => node('/opt/tcpvs/tcpvs.mjs', { from: directory, to: '/opt/tcpvs' });

function node(file: string, bind: Image['binds'][number]): Image {
  const entrypoint = ['/usr/local/bin/node', file];
  return { entrypoint, args: ['--help'], binds: [NODE, bind], user: USER, workingDirectory: bind.to };
}

/** '' where there is none. */
const tagOf = (reference: string): string => lastPart(reference).split(':', 2)[1] ?? '';

/** The last part of the path, without tag and digest: `registry.example:5000/team/tcpvs:1.2@sha256:…` is `tcpvs`. */
export const nameOf = (reference: string): string => lastPart(reference).split(':', 1)[0] ?? '';

const lastPart = (reference: string): string => reference.split('@', 1)[0]?.split('/').at(-1) ?? '';
