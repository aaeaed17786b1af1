import { startHaproxy } from './haproxy.ts';
import { startHttpProxy } from './http-proxy.ts';
import { startNginx } from './nginx.ts';
import type { PeerName, StartPeer } from './peer.ts';
import { startTcpvs } from './tcpvs.ts';

export const PEERS: Readonly<Record<PeerName, StartPeer>> = {
  tcpvs: startTcpvs,
  nginx: startNginx,
  haproxy: startHaproxy,
  'http-proxy': startHttpProxy,
};
