import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readCommandLine, UsageError } from './command-line.ts';
import { PROXY_HELP, proxyOptions } from './proxy-options.ts';

const read = (...args: string[]) => proxyOptions(readCommandLine(PROXY_HELP, args));

test('what the chart gives is understood; what it does not give has the values of the chart', () => {
  const options = read(
    '--controller=https://tcpvs-controller.tcpvs.svc:9443',
    '--admin=[::]:9000',
    '--workers=2',
    '--class=edge',
  );
  assert.deepEqual(options, {
    controller: { host: 'tcpvs-controller.tcpvs.svc', port: 9443 },
    bundleFile: '/etc/tcpvs/ca/ca.crt',
    tokenFile: '/var/run/secrets/tcpvs/token',
    stateDir: null,
    admin: { address: '::', port: 9000 },
    workers: 2,
    logLevel: 'info',
    trustedProxies: [],
    accessLog: 0,
    otlp: null,
    traceSample: null,
    drainTimeout: 30_000,
    drainDelay: 5000,
    metricSeries: 500,
    className: 'edge',
    memoryLimit: null,
  });
});

test('hosts and ports of controllers', () => {
  const rows: [string, string, number][] = [
    ['https://host', 'host', 9443],
    ['https://host/', 'host', 9443],
    ['https://host:443', 'host', 443],
    ['https://a.b.svc:1', 'a.b.svc', 1],
    ['https://10.0.0.1:9443', '10.0.0.1', 9443],
    ['https://[fd00::1]:9443', 'fd00::1', 9443],
  ];
  for (const [text, host, port] of rows) assert.deepEqual(read('--controller', text).controller, { host, port }, text);
});

test('a wrong command line is told by option, what was read and what was expected', () => {
  const wrong: [string[], RegExp][] = [
    [[], /--controller URL is needed/],
    [['--controller', 'http://host:9443'], /--controller: read "http:\/\/host:9443", expected https:\/\/HOST:PORT/],
    [['--controller', 'host:9443'], /--controller: read "host:9443"/],
    [['--controller', 'https://host/path'], /--controller: read/],
    [['--controller', 'https://user:secret@host'], /--controller: read/],
    [['--controller', 'https://ho_st'], /a DNS name or an address as HOST/],
    [['--controller', 'https://h', '--state-dir', ''], /--state-dir: read "", expected a path/],
    [['--controller', 'https://h', '--admin', 'all:9000'], /--admin: read "all:9000"/],
    [['--controller', 'https://h', '--workers', '99'], /--workers: read "99", expected an integer from 1 to 16/],
  ];
  for (const [args, message] of wrong) {
    assert.throws(
      () => read(...args),
      (error) => error instanceof UsageError && message.test(error.message),
      args.join(' '),
    );
  }
});
