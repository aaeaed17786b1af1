/** The demo's manifests: a copy that a person may edit, with the ports that were asked for. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface DemoFiles {
  /** The copied manifests. */
  readonly directory: string;
  /** A path for the admin socket, outside the watched directory. */
  readonly socket: string;
  remove(): void;
}

export interface Ports {
  /** Of the virtual server; null = as the example has it. */
  readonly listen: number | null;
  /** Of the five web servers. */
  readonly servers: number | null;
}

export const DEMO_PORTS = { listen: 8000, servers: 8080 } as const;

/** The checkout's own example stays as it is: each run begins with the matrix of the book. */
export function copyExample(example: string, ports: Ports): DemoFiles {
  const root = mkdtempSync(join(tmpdir(), 'tcpvs-demo-'));
  const directory = join(root, 'config');
  mkdirSync(directory);
  for (const file of readdirSync(example).filter((name) => /\.(yaml|conf)$/.test(name))) {
    writeFileSync(join(directory, file), withPorts(readFileSync(join(example, file), 'utf8'), ports));
  }
  return {
    directory,
    socket: join(root, 'admin.sock'),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Replaces the two port numbers of the demo wherever they stand as a port: `port: 8000`, `127.0.0.1:8000`. */
export function withPorts(text: string, ports: Ports): string {
  const listen = withPort(text, DEMO_PORTS.listen, ports.listen ?? DEMO_PORTS.listen);
  return withPort(listen, DEMO_PORTS.servers, ports.servers ?? DEMO_PORTS.servers);
}

function withPort(text: string, from: number, to: number): string {
  return text.replaceAll(new RegExp(`(\\bport: |\\d:)${from}\\b`, 'g'), `$1${to}`);
}
