/** Whatever is typed, in whatever order: the objects stay valid, and their listing is them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { parseObject } from '../api/parse.ts';
import { applyCommand } from './commands.ts';
import type { Command } from './commands.ts';
import { Draft } from './draft.ts';
import { printTable } from './print.ts';
import { BUILT_IN_SERVICES } from './services.ts';
import { tableOf } from './table-of.ts';
import { applied, demoObjects, parsed } from './test-objects.ts';

const ident = fc.constantFrom('http', 'web').map((name) => ({ namespace: 'default', name }));
const server = fc.oneof(
  fc.record({
    kind: fc.constant('Address' as const),
    host: fc.constantFrom('web1', 'web2', '10.0.0.12', 'r1'),
    port: fc.constantFrom(null, 8080, 80),
  }),
  fc.constant({ kind: 'Object' as const, name: 'web3' }),
);
const weight = fc.constantFrom(undefined, 0, 1, 87);
const pattern = fc.constantFrom('/appc/.*', '/(x)', '.*', '/(');
const kind = <K extends string>(...kinds: K[]) => fc.constantFrom(...kinds);
const port = fc.constantFrom(undefined, 8000, 81);
const options = fc.record({
  scheduler: fc.constantFrom(undefined, 'wlc', 'http', 'hhttp'),
  listen: fc.option(fc.record({ host: fc.constantFrom(undefined, '*', '::1'), port }), { nil: undefined }),
  maxClients: fc.constantFrom(undefined, 5),
  startServers: fc.constantFrom(undefined, 8),
  redirect: fc.constantFrom(undefined, null, { host: 'r9', port: 80 }),
});
const match = fc.constantFrom(undefined, 0, 1);

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: kind('AddService', 'EditService'), ident, options }),
  fc.record({ kind: kind('DeleteService'), ident }),
  { weight: 3, arbitrary: fc.record({ kind: kind('AddServer', 'EditServer'), ident, server, weight }) },
  fc.record({ kind: kind('DeleteServer'), ident, server }),
  { weight: 4, arbitrary: fc.record({ kind: kind('AddRule'), ident, pattern, server, match, weight }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('DeleteRule'), ident, pattern, server }) },
  fc.record({ kind: kind('Start', 'Stop'), ident: fc.option(ident) }),
  fc.constant({ kind: 'Flush' as const }),
);

test('every session', () => {
  let done = 0;
  fc.assert(
    fc.property(fc.array(command, { minLength: 1, maxLength: 12 }), fc.boolean(), (session, numeric) => {
      let objects = demoObjects();
      for (const each of session) {
        const result = applyCommand(objects, each);
        if (result.errors.length > 0) {
          assert.deepEqual([result.apply, result.delete], [[], []]);
          continue;
        }
        done += 1;
        for (const object of result.apply) {
          const valid = parseObject(object);
          assert.deepEqual(valid.ok ? [] : valid.faults, []);
        }
        objects = applied(objects, result);
      }
      const how = { services: BUILT_IN_SERVICES, numeric };
      const listing = printTable(tableOf(new Draft(objects)), how);
      const load = { kind: 'Load', table: parsed(listing), file: 'f' } as const;
      assert.deepEqual(applyCommand(objects, load), { apply: [], delete: [], errors: [], notes: [] });

      // And from nothing: after a flush the listing brings back a table that lists the same.
      const empty = applied(objects, applyCommand(objects, { kind: 'Flush' }));
      const again = applyCommand(empty, { ...load, table: parsed(listing) });
      assert.deepEqual(again.errors, []);
      assert.equal(printTable(tableOf(new Draft(applied(empty, again))), how), listing);
    }),
    { numRuns: 1000 },
  );
  // Else it would be a test of refusals.
  assert.ok(done > 1000, `${done} commands were done`);
});
