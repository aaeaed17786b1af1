import assert from 'node:assert/strict';
import { test } from 'node:test';

import { memory } from '../../bench/measure/process.ts';
import { residentIn, residentOf } from './resident.ts';

const mapping = (range: string, rights: string, name: string, kilobytes: number): string =>
  `${range} ${rights} 00000000 00:00 0 ${name === '' ? '' : `     ${name}`}\nSize: 4 kB\nRss:     ${kilobytes} kB\nPss:  1 kB\nVmFlags: rd wr\n`;

test('mappings are told apart by name, by the guard of a stack and by the place of an arena', () => {
  const smaps = [
    mapping('00400000-00500000', 'r-xp', '/usr/bin/node', 100),
    mapping('0b583000-0b765000', 'rw-p', '[heap]', 20),
    mapping('4003a40000-4003a80000', 'rw-p', '', 3),
    mapping('7f0000000000-7f0000021000', 'rw-p', '', 40),
    mapping('7f0000021000-7f0004000000', '---p', '', 0),
    mapping('7f0005000000-7f0005001000', '---p', '', 0),
    mapping('7f0005001000-7f0005801000', 'rw-p', '', 500),
    mapping('7ffc00000000-7ffc00021000', 'rw-p', '[stack]', 6),
  ].join('');
  const kilobytes = { file: 100, heap: 20, arenas: 40, stacks: 506, anonymous: 3 };
  assert.deepEqual(
    residentIn(smaps),
    Object.fromEntries(Object.entries(kilobytes).map(([kind, each]) => [kind, 1024 * each])),
  );
});

test('of a real process, all that is resident is found', () => {
  const resident = residentOf(process.pid);
  assert.ok(resident !== null && resident.file > 1e6 && resident.anonymous > 1e6 && resident.stacks > 0);
  const sum = Object.values(resident).reduce((all, each) => all + each, 0);
  assert.ok(Math.abs(sum / memory(process.pid).rss - 1) < 0.5, `${sum} of ${memory(process.pid).rss}`);
  assert.equal(residentOf(2 ** 30), null);
});
