/** What is compared: each peer does the same work, set up in its own configuration language. */
import type { Running } from '../measure/process.ts';

export const PEER_NAMES = ['tcpvs', 'nginx', 'haproxy', 'envoy', 'caddy', 'http-proxy', 'http-proxy-3'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

/** The work: prefix rules, each with three servers by weight, kept-alive connections to them, X-Forwarded-For, -Proto and Forwarded, no access log. */
export interface Layout {
  /** A folder of the peer's own, empty. */
  readonly directory: string;
  readonly port: number;
  /** Ports of the three servers. */
  readonly servers: readonly number[];
  /** They speak HTTP/2 without TLS, and nothing else; else HTTP/1.1. */
  readonly speaksH2c: boolean;
  readonly hosts: readonly Host[];
  readonly workers: number;
  /** Bytes of the buffers for bodies, where a peer lets one choose; null = its default. */
  readonly bodyBuffer: number | null;
  /** Clients speak TLS: files in PEM, the same for all peers. */
  readonly tls: Certificate | null;
  /** Clients speak HTTP/2, and nothing else. */
  readonly http2: boolean;
  /** More of it, for tcpvs alone (profiles). */
  readonly environment: NodeJS.ProcessEnv;
  /** The program that is tcpvs, and its first words; null: `bin/tcpvs` of this checkout, from the sources. */
  readonly program: readonly [string, ...string[]] | null;
}

/** Those that speak no HTTP/2 to clients. */
export const WITHOUT_HTTP2: readonly PeerName[] = ['http-proxy', 'http-proxy-3'];

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  /** Both, as HAProxy wants them. */
  readonly both: string;
}

/** The cipher that all of them agree on with `wrk`. */
export const CIPHERSUITE = 'TLS_AES_128_GCM_SHA256';

export interface Host {
  /** null: whatever the Host header says. */
  readonly name: string | null;
  /** Each app is a rule: prefix /APP/. */
  readonly apps: readonly string[];
}

export const WEIGHTS = [5, 3, 2];

export type StartPeer = (layout: Layout) => Promise<Running>;
