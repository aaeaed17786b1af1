import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readCommandLine, UsageError } from './command-line.ts';
import { OTLP_HEADERS, otlpOption } from './otlp-option.ts';
import { trafficHelp, trafficOptions } from './traffic-options.ts';

const line = (...args: string[]) =>
  readCommandLine({ name: 'x', summary: '', options: trafficHelp(0), examples: [] }, args);
const option = (url: string, headers?: string) =>
  otlpOption(line('--otlp-endpoint', url), headers === undefined ? {} : { [OTLP_HEADERS]: headers });

test('an endpoint with the fields of its variable', () => {
  assert.equal(otlpOption(line(), { [OTLP_HEADERS]: 'ignored' }), null);
  assert.equal(option('http://collector:4318')?.endpoint.href, 'http://collector:4318/');
  assert.equal(option('https://example.com/otlp/')?.endpoint.href, 'https://example.com/otlp/');
  assert.deepEqual(option('http://c', 'Authorization=Bearer%20a%3Db, x-team=shop,')?.headers, {
    Authorization: 'Bearer a=b',
    'x-team': 'shop',
  });
});

test('what is no endpoint is refused, by what was read and what was expected', () => {
  for (const url of ['collector:4318', 'ftp://c', 'http://user:secret@c', 'http://c/?a=b', 'http://', '/v1'])
    assert.throws(
      () => option(url),
      new RegExp(`--otlp-endpoint: read "${url.replace(/[?]/, '\\?')}", expected an http`),
    );
});

test('a field that is none is refused by its name alone', () => {
  for (const headers of ['x y=secret', 'key=a%0d%0asecret', '=secret', 'key=%zzsecret'])
    assert.throws(
      () => option('http://c', headers),
      (error: Error) => error instanceof UsageError && !error.message.includes('secret'),
      headers,
    );
});

test('the share of traces is not said unless it is', () => {
  assert.equal(trafficOptions(line(), 0).traceSample, null);
  assert.equal(trafficOptions(line('--trace-sample', '0.25'), 0).traceSample, 0.25);
  assert.throws(
    () => trafficOptions(line('--trace-sample', '2'), 0),
    /--trace-sample: read "2", expected a number from 0 to 1/,
  );
});
