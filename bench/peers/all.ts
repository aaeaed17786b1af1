import { join } from 'node:path';

import { HTTP_PROXY_3 } from '../measure/process.ts';
import { startCaddy } from './caddy.ts';
import { startEnvoy } from './envoy.ts';
import { startHaproxy } from './haproxy.ts';
import { startHttpProxy } from './http-proxy.ts';
import { startNginx } from './nginx.ts';
import type { PeerName, StartPeer } from './peer.ts';
import { startTcpvs } from './tcpvs.ts';

export const PEERS: Readonly<Record<PeerName, StartPeer>> = {
  tcpvs: startTcpvs,
  nginx: startNginx,
  haproxy: startHaproxy,
  envoy: startEnvoy,
  caddy: startCaddy,
  'http-proxy': (layout) => startHttpProxy(layout, 'http-proxy'),
  'http-proxy-3': (layout) => startHttpProxy(layout, join(HTTP_PROXY_3, 'dist/lib/index.js')),
};
