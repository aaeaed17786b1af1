/** What is measured: one line of the table each. */
import type { OriginBody } from './peers/origin.ts';

export interface Case {
  readonly name: string;
  readonly title: string;
  readonly body: OriginBody;
  /** Beside Host. */
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly bodyBuffer: number | null;
  /** Clients speak TLS. */
  readonly tls?: boolean;
  /** Clients speak HTTP/2: by ALPN through TLS, else by prior knowledge. Peers that cannot are left out. */
  readonly http2?: boolean;
  /** tcpvs speaks HTTP/2 to the servers, without TLS, and to which ones; the others HTTP/1.1, to nginx. */
  readonly h2c?: H2cServer;
}

/** One that answers each stream by itself, and one that answers those of a read together. */
export type H2cServer = 'nginx' | 'nghttpd';

const SMALL = { bytes: 100, chunked: false };

/** What a browser sends, about 1 KB. */
const BROWSER = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Accept-Language': 'en-GB,en;q=0.9,de;q=0.8',
  'Cache-Control': 'max-age=0',
  Cookie: `session=${'0123456789abcdef'.repeat(6)}; theme=dark; consent=yes; visitor=${'fedcba9876543210'.repeat(4)}`,
  Referer: 'https://shop.example/catalogue/shoes?page=2&sort=price',
  'Sec-Ch-Ua': '"Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"',
  'Sec-Ch-Ua-Mobile': '?0',
  'Sec-Ch-Ua-Platform': '"Linux"',
  'Sec-Fetch-Dest': 'document',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Site': 'same-origin',
  'Sec-Fetch-User': '?1',
  'Upgrade-Insecure-Requests': '1',
};

const plain = { headers: {}, connections: 64, bodyBuffer: null };

export const CASES: readonly Case[] = [
  { ...plain, name: 'small', title: '100 B answers', body: SMALL },
  { ...plain, name: '10k', title: '10 KB answers', body: { bytes: 10_240, chunked: false } },
  {
    ...plain,
    name: 'browser',
    title: '100 B answers, headers of a browser (1 KB)',
    body: SMALL,
    headers: { ...BROWSER, Connection: 'keep-alive' },
  },
  { ...plain, name: 'chunked', title: '10 KB answers in chunks', body: { bytes: 10_240, chunked: true } },
  {
    ...plain,
    name: '1m',
    title: '1 MB answers',
    body: { bytes: 1_048_576, chunked: false },
    connections: 16,
    bodyBuffer: 65_536,
  },
  {
    ...plain,
    name: 'connect',
    title: '100 B answers, a new connection for each',
    body: SMALL,
    headers: { Connection: 'close' },
  },
  { ...plain, name: 'h2c', title: '100 B answers of servers that speak h2c', body: SMALL, h2c: 'nginx' },
  {
    ...plain,
    name: 'h2c-nghttpd',
    title: '100 B answers of servers that speak h2c (nghttpd)',
    body: SMALL,
    h2c: 'nghttpd',
  },
  {
    ...plain,
    name: 'h2c-10k',
    title: '10 KB answers of servers that speak h2c',
    body: { bytes: 10_240, chunked: false },
    h2c: 'nginx',
  },
  {
    ...plain,
    name: 'h2c-1m',
    title: '1 MB answers of servers that speak h2c',
    body: { bytes: 1_048_576, chunked: false },
    connections: 16,
    bodyBuffer: 65_536,
    h2c: 'nginx',
  },
  { ...plain, name: 'http2', title: '100 B answers, clients speak HTTP/2', body: SMALL, connections: 8, http2: true },
  {
    ...plain,
    name: 'http2-10k',
    title: '10 KB answers, clients speak HTTP/2',
    body: { bytes: 10_240, chunked: false },
    connections: 8,
    http2: true,
  },
  {
    ...plain,
    name: 'http2-1m',
    title: '1 MB answers, clients speak HTTP/2 through TLS',
    body: { bytes: 1_048_576, chunked: false },
    connections: 4,
    bodyBuffer: 65_536,
    tls: true,
    http2: true,
  },
  {
    ...plain,
    name: 'http2-browser',
    title: '100 B answers, clients speak HTTP/2 through TLS, headers of a browser (1 KB)',
    body: SMALL,
    headers: BROWSER,
    connections: 8,
    tls: true,
    http2: true,
  },
  { ...plain, name: 'tls', title: '100 B answers through TLS', body: SMALL, tls: true },
  {
    ...plain,
    name: 'tls-10k',
    title: '10 KB answers through TLS',
    body: { bytes: 10_240, chunked: false },
    tls: true,
  },
  {
    ...plain,
    name: 'tls-1m',
    title: '1 MB answers through TLS',
    body: { bytes: 1_048_576, chunked: false },
    connections: 16,
    bodyBuffer: 65_536,
    tls: true,
  },
  {
    ...plain,
    name: 'tls-connect',
    title: '100 B answers through TLS, a new connection and a full handshake for each',
    body: SMALL,
    headers: { Connection: 'close' },
    tls: true,
  },
];

/** The rules of all cases, as the prototype had them. */
export const APPS = ['web', 'images', 'api', 'static', 'shop', 'cart', 'login', 'admin', 'health', 'search'];
export const PATHS = APPS.map((app, index) => `/${app}/item/${index}`);
