import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { OWNER_ROUTES } from '../admin/routes.ts';
import { SERVING_REASONS } from '../status/known-conditions.ts';
import { readCommandLine } from './command-line.ts';
import { SERVE_HELP, serveOptions } from './serve-options.ts';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
const unit = readFileSync(join(ROOT, 'deploy/systemd/tcpvs.service'), 'utf8');

test('docs/operations.md has every path of the admin API and every reason of the serving side', () => {
  for (const path of OWNER_ROUTES.keys()) assert.match(page, new RegExp(`(GET|POST|PUT)[^|]* ${path}\``), path);
  for (const reason of Object.keys(SERVING_REASONS)) assert.ok(page.includes(`\`${reason}\``), reason);
});

test('the command lines of docs/operations.md and of the systemd unit are right', () => {
  const lines = [...`${page}\n${unit}`.matchAll(/(?:^|\/)tcpvs serve (.*)$/gm)].map(([, rest = '']) =>
    rest.replace('$TCPVS_OPTIONS', '').trim().split(/\s+/),
  );
  assert.equal(lines.length, 2);
  for (const words of lines) assert.ok(serveOptions(readCommandLine(SERVE_HELP, words), {}).config !== '');
});
