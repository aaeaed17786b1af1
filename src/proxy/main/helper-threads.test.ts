import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { test } from 'node:test';

import { helpersGiveWay } from './helper-threads.ts';

test('helper threads of the engine have lower priority than all others', { skip: process.platform !== 'linux' }, () => {
  const before = priorities();
  assert.equal(helpersGiveWay(), before.filter(({ name }) => name.includes('V8Worker')).length);
  for (const { id, name, priority } of priorities()) {
    const was = before.find((thread) => thread.id === id)?.priority ?? priority;
    assert.equal(priority, name.includes('V8Worker') ? Math.min(19, was + 5) : was, name);
  }
});

test('those of this version of Node.js are known by their names', { skip: process.platform !== 'linux' }, () => {
  assert.ok(priorities().filter(({ name }) => name.includes('V8Worker')).length > 0);
});

const priorities = () =>
  readdirSync('/proc/self/task').map((id) => ({
    id,
    name: readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim(),
    priority: os.getPriority(Number(id)),
  }));
