/** A fresh folder, free ports, the servers behind, and peers that come and go. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from '../../src/cli/demo-ports.ts';
import { makeAuthority } from '../../src/tls/fixture/authority.ts';
import { APPS, type H2cServer, PATHS } from '../cases.ts';
import type { Running } from '../measure/process.ts';
import { PEERS } from '../peers/all.ts';
import { startNghttpd } from '../peers/nghttpd.ts';
import { startOriginServers, type OriginBody } from '../peers/origin.ts';
import type { Certificate, Host, Layout, PeerName } from '../peers/peer.ts';

export interface Settings {
  readonly peers: readonly PeerName[];
  readonly rounds: number;
  /** Seconds of load before and while it is measured. */
  readonly warmUp: number;
  readonly seconds: number;
  /** Says how far it is. */
  readonly progress: (line: string) => void;
}

export interface PeerOptions {
  readonly workers?: number;
  readonly bodyBuffer?: number | null;
  readonly tls?: boolean;
  /** As Case.http2. */
  readonly http2?: boolean;
  /** As Case.h2c. */
  readonly h2c?: H2cServer | null;
  readonly hosts?: readonly Host[];
  readonly environment?: NodeJS.ProcessEnv;
  /** What runs tcpvs; null: the sources. */
  readonly program?: Layout['program'];
}

export interface Stage {
  readonly directory: string;
  readonly servers: readonly number[];
  /** A fresh process on a fresh port. */
  start(peer: PeerName, options?: PeerOptions): Promise<Running & { readonly port: number }>;
}

/** Runs `act` with the servers behind at work; ends whatever was started, whatever happens. */
export async function onStage<T>(body: OriginBody, act: (stage: Stage) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'tcpvs-bench-'));
  const open = new Set<Running>();
  let started = 0;
  let certificate: Certificate | null = null;
  try {
    const servers = await freePorts(3);
    const nginx = await freePorts(3);
    open.add(await startOriginServers(join(directory, 'servers'), servers, nginx, body));
    let nghttpd: readonly number[] | null = null;
    const serversOf = async (h2c: H2cServer | null): Promise<readonly number[]> => {
      if (h2c !== 'nghttpd') return h2c === null ? servers : nginx;
      if (nghttpd === null) {
        nghttpd = await freePorts(3);
        for (const port of nghttpd) open.add(await startNghttpd(join(directory, `nghttpd-${port}`), port, PATHS, body));
      }
      return nghttpd;
    };
    const start: Stage['start'] = async (peer, options = {}) => {
      const [port = 0] = await freePorts(1);
      const own = join(directory, `${started++}-${peer}`);
      mkdirSync(own);
      const h2c = peer === 'tcpvs' ? (options.h2c ?? null) : null;
      const running = await PEERS[peer]({
        directory: own,
        port,
        servers: await serversOf(h2c),
        speaksH2c: h2c !== null,
        hosts: options.hosts ?? [{ name: null, apps: APPS }],
        workers: options.workers ?? 1,
        bodyBuffer: options.bodyBuffer ?? null,
        tls: options.tls === true ? (certificate ??= makeCertificate(directory)) : null,
        http2: options.http2 === true,
        environment: options.environment ?? {},
        program: options.program ?? null,
      });
      open.add(running);
      const stop = async () => {
        open.delete(running);
        await running.stop();
      };
      return { pid: running.pid, port, stop };
    };
    return await act({ directory, servers, start });
  } finally {
    await Promise.all([...open].map((running) => running.stop()));
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The order in which peers run: another one begins in each round. */
export function rotated<T>(list: readonly T[], round: number): T[] {
  const first = round % Math.max(1, list.length);
  return [...list.slice(first), ...list.slice(0, first)];
}

/** P-256, as certificates are today. */
function makeCertificate(directory: string): Certificate {
  const { certificate, privateKey } = makeAuthority().issue({ names: ['bench.example', 'localhost'] });
  const files = {
    certificate: join(directory, 'tls.crt'),
    key: join(directory, 'tls.key'),
    both: join(directory, 'tls.pem'),
  };
  writeFileSync(files.certificate, certificate);
  writeFileSync(files.key, privateKey);
  writeFileSync(files.both, certificate + privateKey);
  return files;
}

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
