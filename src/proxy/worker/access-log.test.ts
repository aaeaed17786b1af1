import assert from 'node:assert/strict';
import { it } from 'node:test';

import { AccessLog, type AccessRecord } from './access-log.ts';

const record: AccessRecord = {
  protocol: 'HTTP/1.1',
  client: '127.0.0.1',
  method: 'GET',
  target: '/',
  host: 'a',
  virtualServer: 'shop/http',
  rule: 'all',
  server: '127.0.0.1:80',
  status: 200,
  flag: '',
  bytes: 1,
  milliseconds: 1,
  waited: 0,
  retries: 0,
  trace: '',
};

it('takes its share of the requests, evenly', () => {
  const log = new AccessLog(0.25, () => {});
  const taken = Array.from({ length: 100 }, () => log.sample());
  assert.equal(taken.filter(Boolean).length, 25);
  for (let i = 0; i + 4 <= 100; i++) assert.equal(taken.slice(i, i + 4).filter(Boolean).length, 1);
});

it('writes lines of JSON, in batches', () => {
  const written: string[] = [];
  const log = new AccessLog(1, (lines) => written.push(lines));
  log.write(record);
  log.write({ ...record, status: 503, flag: 'no_destination' });
  assert.deepEqual(written, []);
  log.flush();
  log.flush();
  assert.deepEqual(written.length, 1);
  const lines = written
    .join('')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    lines.map((line) => line['flag']),
    ['', 'no_destination'],
  );
  assert.equal(lines[0]!['log'], 'access');
});
