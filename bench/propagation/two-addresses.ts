/** Loaded before a proxy: gives the name of the controllers two addresses of loopback, which no name has everywhere. */
import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';

import { ADDRESSES, NAME } from './place.ts';

const { lookup } = dns;
const found = ADDRESSES.map((address) => ({ address, family: 4 }));

dns.lookup = ((host: string, options: never) =>
  host === NAME ? Promise.resolve(found) : lookup(host, options)) as typeof lookup;
syncBuiltinESMExports();
